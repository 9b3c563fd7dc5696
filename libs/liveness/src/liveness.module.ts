import { Module } from '@nestjs/common';
import { AuditModule } from '@coordination/audit';
import { settingsProvider } from '@coordination/config';
import { DiscoveryModule } from '@coordination/discovery';
import { RegistryModule } from '@coordination/registry';
import { GuardAdminService } from './api/guard-admin.service.js';
import { ActiveGuardNotices } from './api/guard-notices.js';
import { LivenessReport } from './api/liveness-report.service.js';
import { LivenessController } from './api/liveness.controller.js';
import { ExplainController, NamedExplainController } from './explain/explain.controller.js';
import { InstanceExplainer } from './explain/instance-explainer.service.js';
import { SituationReader } from './explain/situation-reader.js';
import {
  HeartbeatController,
  HeartbeatsController,
  NamedHeartbeatController,
} from './heartbeats/heartbeats.controller.js';
import { HeartbeatsService } from './heartbeats/heartbeats.service.js';
import { NodeMetrics } from './nodes/node-metrics.js';
import { NodeRegistration, nodeRegistrationSettings } from './nodes/node-registration.job.js';
import { OwnRecord } from './nodes/own-record.js';
import { SharedIdLines } from './nodes/shared-id-lines.js';
import { NodesById } from './nodes/shared-node-id.js';
import { OverridesModule } from './overrides/overrides.module.js';
import { ProbeOverview } from './probes/probe-overview.js';
import { PROBE_PROVIDERS } from './probes/probe.providers.js';
import { LeaseExpiryModule } from './sweep/lease-expiry.module.js';

/** Keeps the health of instances up to date: heartbeats, probes, the end of leases, overrides. */
@Module({
  imports: [AuditModule, RegistryModule, DiscoveryModule, LeaseExpiryModule, OverridesModule],
  controllers: [
    HeartbeatController,
    NamedHeartbeatController,
    HeartbeatsController,
    ExplainController,
    NamedExplainController,
    LivenessController,
  ],
  providers: [
    HeartbeatsService,
    settingsProvider(nodeRegistrationSettings),
    OwnRecord,
    NodesById,
    SharedIdLines,
    NodeRegistration,
    NodeMetrics,
    ...PROBE_PROVIDERS,
    SituationReader,
    InstanceExplainer,
    LivenessReport,
    GuardAdminService,
    ActiveGuardNotices,
  ],
  exports: [LeaseExpiryModule, ProbeOverview, NodeRegistration],
})
export class LivenessModule {}
