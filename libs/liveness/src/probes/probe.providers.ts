import { settingsProvider } from '@coordination/config';
import { ProbeJob } from './probe.job.js';
import { ProbeMetrics } from './probe-metrics.js';
import { ProbeOverview } from './probe-overview.js';
import { ProbeReports } from './probe-reports.service.js';
import { ProbeGuardJob } from './holding/probe-guard.job.js';
import { ProbeGuard } from './holding/probe-guard.js';
import { ProbeGuardRules } from './holding/probe-guard-rules.js';
import { ProbeGuardRecorder } from './holding/probe-guard-recorder.js';
import { ProbeVerdicts } from './holding/probe-verdicts.js';
import { SecondLookStore } from './holding/second-look-store.js';
import { SecondLooker } from './holding/second-looker.js';
import { NameMetrics } from './names/name-metrics.js';
import { NameResolver } from './names/name-resolver.js';
import { NameSource, SystemNames } from './names/system-names.js';
import { Prober } from './run/prober.js';
import { probeConcurrency, ProbeScheduler } from './schedule/probe-scheduler.js';
import { ProbeShares } from './share/probe-shares.js';

/** Active probes: which node probes which instance, when probes are due, how they are done, and their reports. */
export const PROBE_PROVIDERS = [
  settingsProvider(probeConcurrency),
  SystemNames,
  { provide: NameSource, useExisting: SystemNames },
  NameMetrics,
  NameResolver,
  Prober,
  ProbeMetrics,
  ProbeReports,
  ProbeVerdicts,
  SecondLookStore,
  ProbeGuardRecorder,
  ProbeGuardRules,
  ProbeGuard,
  SecondLooker,
  ProbeGuardJob,
  ProbeScheduler,
  ProbeShares,
  ProbeJob,
  ProbeOverview,
];
