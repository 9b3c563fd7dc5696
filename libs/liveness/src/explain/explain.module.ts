import { Module } from '@nestjs/common';
import { AuditModule, AuditQuery, CatalogHeadRepository } from '@coordination/audit';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases } from '@coordination/database';
import { NodeRoleRepository, RegistryModule, ServiceInstanceRepository } from '@coordination/registry';
import { guardRules } from '../guard/guard-rules.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { ExplainController } from './explain.controller.js';
import { InstanceExplainer } from './instance-explainer.service.js';

/** Why instances are as they are. */
@Module({
  imports: [AuditModule, RegistryModule],
  controllers: [ExplainController],
  providers: [
    {
      provide: InstanceExplainer,
      inject: [
        Databases,
        CatalogHeadRepository,
        ServiceInstanceRepository,
        NodeRoleRepository,
        AuditQuery,
        SETTINGS_TOKEN,
      ],
      useFactory: (
        databases: Databases,
        heads: CatalogHeadRepository,
        instances: ServiceInstanceRepository,
        roles: NodeRoleRepository,
        audit: AuditQuery,
        settings: Settings,
      ) =>
        new InstanceExplainer({
          databases,
          heads,
          instances,
          roles,
          audit,
          guards: new LivenessGuardRepository(),
          allowance: { flushBoundMs: settings.PCS_LEASE_FLUSH_BOUND_MS, maxGraceMs: guardRules(settings).maxMs },
        }),
    },
  ],
})
export class ExplainModule {}
