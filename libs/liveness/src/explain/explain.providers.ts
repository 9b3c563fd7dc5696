import { type Provider } from '@nestjs/common';
import { AuditQuery } from '@coordination/audit';
import { CatalogHeadRepository } from '@coordination/log';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases } from '@coordination/database';
import { NodeRoleRepository } from '@coordination/leadership';
import { ServiceInstanceRepository } from '@coordination/registry';
import { guardRules } from '../guard/guard-rules.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { ProbeOverview } from '../probes/probe-overview.js';
import { InstanceExplainer } from './instance-explainer.service.js';

/** Why instances are as they are. */
export const EXPLAIN_PROVIDERS: Provider[] = [
  {
    provide: InstanceExplainer,
    inject: [
      Databases,
      CatalogHeadRepository,
      ServiceInstanceRepository,
      NodeRoleRepository,
      AuditQuery,
      ProbeOverview,
      SETTINGS_TOKEN,
    ],
    useFactory: (
      databases: Databases,
      heads: CatalogHeadRepository,
      instances: ServiceInstanceRepository,
      roles: NodeRoleRepository,
      audit: AuditQuery,
      probes: ProbeOverview,
      settings: Settings,
    ) =>
      new InstanceExplainer({
        databases,
        heads,
        instances,
        roles,
        audit,
        probes,
        guards: new LivenessGuardRepository(),
        allowance: { flushBoundMs: settings.PCS_LEASE_FLUSH_BOUND_MS, maxGraceMs: guardRules(settings).maxMs },
      }),
  },
];
