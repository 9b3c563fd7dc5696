import { type Provider } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { CatalogView, ChangeFeed } from '@coordination/catalog';
import { systemClock } from '@coordination/kernel';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { CatalogWriter, LastCheckedRecorder, ProbePolicy } from '@coordination/registry';
import { NodeRegistration } from '../nodes/node-registration.job.js';
import { ProbeJob } from './probe.job.js';
import { probeMetrics } from './probe-metrics.js';
import { ProbeOverview } from './probe-overview.js';
import { ProbeReports } from './probe-reports.service.js';
import { NameResolver } from './run/name-resolver.js';
import { Prober } from './run/prober.js';
import { ProbeScheduler } from './schedule/probe-scheduler.js';
import { ProbeShares } from './share/probe-shares.js';

/** Active probes: which are this node's, when they are due, how they are done and what comes of them. */
export const PROBE_PROVIDERS: Provider[] = [
  {
    provide: ProbeScheduler,
    inject: [
      CatalogView,
      CatalogWriter,
      LastCheckedRecorder,
      ProbePolicy,
      NodeRegistration,
      Metrics,
      BackgroundTasks,
      SETTINGS_TOKEN,
    ],
    useFactory: (
      view: CatalogView,
      writer: CatalogWriter,
      notes: LastCheckedRecorder,
      policy: ProbePolicy,
      registration: NodeRegistration,
      metrics: Metrics,
      tasks: BackgroundTasks,
      settings: Settings,
    ) => {
      const prober = new Prober(policy, new NameResolver());
      const task = tasks.task('probe-reports');
      const reports = new ProbeReports({ view, writer, notes, ownNodeId: () => registration.nodeId, task });
      const measured = probeMetrics(metrics);
      const scheduler = new ProbeScheduler(
        {
          probe: (target, calledOff) => prober.probe(target, calledOff),
          report: (target, verdict) => reports.report(target, verdict),
          dropped: id => reports.settle(id),
          clock: systemClock,
          random: Math.random,
          metrics: measured,
        },
        settings.PCS_PROBE_CONCURRENCY,
      );
      measured.watch(scheduler);
      return scheduler;
    },
  },
  {
    provide: ProbeShares,
    inject: [CatalogView, ProbeScheduler, NodeRegistration],
    useFactory: (view: CatalogView, holder: ProbeScheduler, registration: NodeRegistration) =>
      new ProbeShares({ view, holder, ownNodeId: () => registration.nodeId }),
  },
  {
    provide: ProbeJob,
    inject: [ChangeFeed, ProbeShares, ProbeScheduler, BackgroundTasks],
    useFactory: (feed: ChangeFeed, shares: ProbeShares, scheduler: ProbeScheduler, tasks: BackgroundTasks) =>
      new ProbeJob(feed, shares, scheduler, tasks),
  },
  {
    provide: ProbeOverview,
    inject: [ProbeScheduler, ProbeShares],
    useFactory: (scheduler: ProbeScheduler, shares: ProbeShares) => new ProbeOverview(scheduler, shares),
  },
];
