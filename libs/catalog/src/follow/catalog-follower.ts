import { setTimeout as delay } from 'node:timers/promises';
import { type Settings } from '@coordination/config';
import { SchemaGate } from '@coordination/database';
import { type BackgroundTask, BackgroundTasks, Metrics } from '@coordination/observability';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import pRetry from 'p-retry';
import { CatalogView } from '../view/catalog-view.js';
import { ViewUpdater } from './view-updater.js';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 3_000;

/**
 * How long (ms) to wait after a notification before the log is read. This node is also notified of its own commits, which
 * reach the view within that time without a read.
 */
const NOTIFICATION_DELAY_MS = 5;

/** How often (ms) the log is read without a notification. */
export const pollInterval = ({ PCS_VIEW_POLL_MS }: Settings) => ({ pollMs: PCS_VIEW_POLL_MS });

export type PollInterval = ReturnType<typeof pollInterval>;

/**
 * Loads the view and keeps it at the head of the log. Reading the log is what keeps it correct; notifications only make the
 * reads happen sooner. It runs until {@link stop} and retries while the database is unavailable.
 */
@Injectable()
export class CatalogFollower implements OnModuleInit {
  private readonly task: BackgroundTask;
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;
  private pollsRequested = 0;
  private interrupt: () => void = () => undefined;
  private notificationTimer: NodeJS.Timeout | undefined;
  /** The newest revision of the notifications since the timer was started. */
  private notified = 0;
  private inFlight: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly view: CatalogView,
    private readonly updater: ViewUpdater,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) private readonly schema: Pick<SchemaGate, 'opened'>,
    @Inject(pollInterval) private readonly interval: PollInterval,
    private readonly metrics: Metrics,
  ) {
    this.task = tasks.task('catalog-follower');
    view.onPollRequested(() => this.poll());
  }

  onModuleInit(): void {
    const { metrics, view } = this;
    metrics.observedGauge('view_loaded', '1 once the catalog is loaded into memory, 0 before.', () =>
      view.loaded ? 1 : 0,
    );
    metrics.observedGauge('view_revision', 'Revision up to which the view has followed the log.', () => view.revision);
    metrics.observedGauge(
      'view_lag_revisions',
      'Revisions that the log is known to be ahead of the view.',
      () => this.lag,
    );
    metrics.observedGauge(
      'view_staleness_seconds',
      'Time since the view was last known to be current.',
      () => view.freshness().stalenessSeconds,
    );
    metrics.observedGauge('view_instances', 'Instances in the view.', () => view.size);
    metrics.observedGauge(
      'view_empty_services',
      'Services without instances whose revision is kept; see `PCS_EMPTY_SERVICES_MAX`.',
      () => view.emptyServices,
    );
    metrics.observedGauge('view_waiting', 'Callers that wait for the view to reach a revision.', () => view.waiting);
    metrics.observedCounter(
      'view_reloads_total',
      'Times that the whole catalog was loaded again because the log did not continue what the view held.',
      () => this.updater.reloads,
    );
    metrics.observedGauge(
      'catalog_epochs_begun',
      'Epochs of the catalog that have begun after its first one.',
      () => view.epochsBegun,
    );
    metrics.observedGauges(
      { name: 'catalog_epoch_info', help: 'Always 1; the label names the epoch of the view.', labelNames: ['epoch'] },
      () => (view.position ? [{ labels: { epoch: view.position.epoch }, value: 1 }] : []),
    );
  }

  /** How many revisions the log is known to be ahead of the view. */
  get lag(): number {
    return Math.max(0, this.updater.newestRevision - this.view.revision);
  }

  /** Starts; the view is loaded some time later. */
  start(): void {
    this.running ??= this.run(this.ending.signal);
  }

  /** Stops; resolves when no work of it is left. Reads in progress end when they are answered or their connection is cut. */
  async stop(): Promise<void> {
    this.ending.abort();
    clearTimeout(this.notificationTimer);
    this.view.abandonWaiters();
    await this.running;
    await this.inFlight;
  }

  /** Reads the log as soon as possible, once more if it is being read at this moment. */
  poll(): void {
    this.pollsRequested += 1;
    this.interrupt();
  }

  /** Takes a notification that the log has a revision. */
  notify(revision: number): void {
    if (!Number.isSafeInteger(revision)) return;
    this.updater.noteRevision(revision);
    if (this.ending.signal.aborted || revision <= this.view.revision) return;
    this.notified = Math.max(this.notified, revision);
    this.notificationTimer ??= setTimeout(() => {
      const isNews = this.notified > this.view.revision;
      this.notificationTimer = undefined;
      this.notified = 0;
      if (isNews) this.poll();
    }, NOTIFICATION_DELAY_MS);
  }

  private async run(signal: AbortSignal): Promise<void> {
    await Promise.race([this.schema.opened, aborted(signal)]);
    let mustLoad = true;
    while (!signal.aborted) {
      const pollsAnswered = this.pollsRequested;
      let wasInVain = false;
      try {
        await this.retried(async progress => {
          const loads = mustLoad;
          if (loads) await this.updater.load(signal, progress);
          mustLoad = (await this.updater.catchUp(signal, progress)) === 'broken';
          wasInVain = loads && mustLoad;
          if (wasInVain) throw new LoadedInVainError(this.updater.breakReason);
        }, signal);
      } catch {
        // Not a failure of the database, which would be retried. The task has logged it; the next poll may succeed.
        wasInVain = true;
      }
      const isDone = !mustLoad && this.pollsRequested === pollsAnswered;
      if (isDone || wasInVain) await this.pause(signal);
    }
  }

  /** Retries with growing pauses and jitter. */
  private async retried(work: (progress: () => void) => Promise<void>, signal: AbortSignal): Promise<void> {
    const attempt = () => {
      const attempted = this.task.turn(work, signal);
      this.inFlight = attempted.catch(() => undefined);
      return attempted;
    };
    await pRetry(attempt, {
      signal,
      retries: Infinity,
      minTimeout: FIRST_RETRY_MS,
      maxTimeout: LAST_RETRY_MS,
      randomize: true,
      shouldRetry: ({ error }) => !(error instanceof LoadedInVainError),
    });
  }

  /** Waits for the next poll, or until one is requested. */
  private async pause(signal: AbortSignal): Promise<void> {
    const interruption = new AbortController();
    this.interrupt = () => interruption.abort();
    const pollMs = this.interval.pollMs * (0.75 + 0.25 * Math.random()); // jitter: nodes must not poll in step
    try {
      await delay(pollMs, undefined, { signal: AbortSignal.any([signal, interruption.signal]) });
    } catch {
      // A poll was requested, or the follower stops.
    }
    this.interrupt = () => undefined;
  }
}

/** The catalog was loaded, and the log does not continue even that. */
class LoadedInVainError extends Error {
  override readonly name = 'LoadedInVainError';

  constructor(reason = '') {
    super(`The log does not continue the catalog that was just loaded: ${reason}`);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
