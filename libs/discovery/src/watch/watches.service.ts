import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { currentRequest } from '@coordination/context';
import { type LiveBody, RequestPlaces } from '@coordination/http';
import { RateLimitedError, RevisionCompactedError, RevisionUnknownError, StartingError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { type InstanceRecord, ReadBarrier, type Scope } from '@coordination/catalog';
import { LARGE_WORK } from '../large-work.js';
import { type CatalogVersion } from '../responses/catalog-version.js';
import { type Selection } from '../selection/selection.js';
import { selected } from './snapshot.js';
import { type ResetReason, resetFrame, retryFrame } from './sse/sse-frames.js';
import { Watch, type WatchStart } from './watch.js';
import { WatchContext } from './watch-context.js';

/** Clients reconnect within this time (ms), each after another pause. */
const RETRY_MS = [1_000, 5_000] as const;

/**
 * How long (ms) a watch waits for a node that has just started to load the catalog. EventSource gives up for good when it
 * gets an error response, and it reconnects while the node that it was disconnected from restarts.
 */
const START_PATIENCE_MS = 5_000;

/** A snapshot of more instances than this counts as large, and so many large ones may be sent at once. */
const LARGE_SNAPSHOT = 10_000;
const MAX_LARGE_SNAPSHOTS = 32;

/** What a client requests to watch. */
export interface WatchRequest {
  readonly scope: Scope;
  readonly selection: Selection;
  /** The revision up to which the client knows everything; undefined: it needs a snapshot. */
  readonly since: number | undefined;
}

/** A watch whose stream can be sent. */
export interface OpenedWatch {
  readonly catalog: CatalogVersion;
  readonly stream: LiveBody;
}

/** All watches of this node. */
@Injectable()
export class Watches implements OnModuleDestroy {
  private readonly open = new Set<Watch>();
  /** How many watches are open or being opened. */
  private places = 0;
  /** Large snapshots whose instances are being selected. */
  private selecting = 0;
  private isEnding = false;

  constructor(
    private readonly context: WatchContext,
    @Inject(ReadBarrier) private readonly barrier: Pick<ReadBarrier, 'reach'>,
    private readonly requestPlaces: RequestPlaces,
    metrics: Metrics,
  ) {
    metrics.observedGauge('watch_open', 'Watches that are open.', () => this.size);
    metrics.observedGauge(
      'watch_backlog_bytes',
      'Bytes that wait for watchers that read slowly, of all watches together.',
      () => context.backlogs.byteLength,
    );
    metrics.observedGauge(
      'watch_backlog_bytes_limit',
      'With so many bytes waiting, watchers get nothing more as long as something waits for them.',
      () => context.backlogs.maxBytes,
    );
  }

  get size(): number {
    return this.open.size;
  }

  /**
   * The state of the catalog that a watch would begin with, without opening one.
   * @throws StartingError, StaleViewError, RateLimitedError
   */
  check(): CatalogVersion {
    this.assertPlace();
    return this.catalog();
  }

  /**
   * Begins a watch. Waits a while for a node that is still starting. A request whose revision is not valid here gets a stream
   * with a reset as its only event.
   * @param signal aborted when the client has disconnected
   * @throws StartingError, StaleViewError, RateLimitedError, OverloadedError, InvalidFilterError
   */
  async begin(request: WatchRequest, signal: AbortSignal): Promise<OpenedWatch> {
    this.assertPlace();
    this.places += 1;
    let watch: Watch | undefined;
    try {
      const { view } = this.context;
      if (!view.loaded) await view.reached(0, START_PATIENCE_MS, signal);
      this.catalog();
      const start = await this.startOf(request, signal);
      const catalog = this.catalog();
      if (typeof start === 'string') return { catalog, stream: this.resetStream(start) };
      watch = this.watch(start);
      if (signal.aborted || this.isEnding) watch.end();
      const revision = start.snapshot ? start.position : catalog.revision;
      return { catalog: { ...catalog, revision }, stream: watch.stream };
    } finally {
      if (!watch) this.places -= 1;
    }
  }

  /** Ends all watches, so that their clients continue on other nodes. */
  onModuleDestroy(): void {
    this.isEnding = true;
    for (const watch of this.open) watch.end();
  }

  private assertPlace(): void {
    const { watches } = this.context.limits;
    if (this.places >= watches) throw new RateLimitedError('watches', watches);
  }

  private watch(start: WatchStart): Watch {
    const watch = new Watch(this.context, start, this.gone);
    this.open.add(watch);
    watch.begin(retry());
    return watch;
  }

  /** One function for all watches. */
  private readonly gone = (watch: Watch): void => {
    this.open.delete(watch);
    this.places -= 1;
  };

  private async startOf(request: WatchRequest, signal: AbortSignal): Promise<WatchStart | ResetReason> {
    const { scope, selection, since } = request;
    const client = currentRequest()?.clientAddress ?? null;
    if (since === undefined) return await this.startWithSnapshot(request, client, signal);
    try {
      await this.barrier.reach(since, signal);
    } catch (error) {
      if (error instanceof RevisionCompactedError) return 'compacted';
      if (!(error instanceof RevisionUnknownError)) throw error;
      return error.reason === 'above-head' ? 'unknown_revision' : 'new_epoch';
    }
    return { scope, selection, position: since, epoch: this.catalog().epoch, snapshot: undefined, client };
  }

  /**
   * The snapshot is of one moment, although other work runs while its instances are selected: the references are copied first,
   * which takes some milliseconds for a whole catalog, and records never change. So each copy has a slice of its own.
   */
  private async startWithSnapshot(
    { scope, selection }: WatchRequest,
    client: string | null,
    signal: AbortSignal,
  ): Promise<WatchStart> {
    const { view, scheduler } = this.context;
    if (this.hasManyInstances(scope)) await this.requestPlaces.enter('memory');
    const turn = scheduler.begin({ workClass: 'heavy', client }, signal);
    await turn.next();
    const { revision: position, epoch } = this.catalog();
    const records: InstanceRecord[] = [];
    for (const instances of view.servicesIn(scope)) for (const record of instances.values()) records.push(record);
    const isLarge = records.length > LARGE_SNAPSHOT;
    if (isLarge && this.largeSnapshots >= MAX_LARGE_SNAPSHOTS) {
      throw new RateLimitedError('snapshots of many instances', MAX_LARGE_SNAPSHOTS);
    }
    if (isLarge) this.selecting += 1;
    try {
      const snapshot = await selected(records, selection, turn);
      return { scope, selection, position, epoch, snapshot, client };
    } finally {
      turn.end();
      if (isLarge) this.selecting -= 1;
    }
  }

  private hasManyInstances(scope: Scope): boolean {
    let sum = 0;
    for (const instances of this.context.view.servicesIn(scope)) {
      sum += instances.size;
      if (sum > LARGE_WORK) return true;
    }
    return false;
  }

  /** They are bounded because they keep records in memory that the view may have replaced. */
  private get largeSnapshots(): number {
    let count = this.selecting;
    for (const { heldInstances } of this.open) if (heldInstances > LARGE_SNAPSHOT) count += 1;
    return count;
  }

  private catalog(): CatalogVersion {
    const { view } = this.context;
    view.assertReadable();
    const { position } = view;
    if (!position) throw new StartingError();
    return { revision: position.revision, epoch: position.epoch, stalenessSeconds: view.freshness().stalenessSeconds };
  }

  private resetStream(reason: ResetReason): LiveBody {
    this.context.metrics.resets.inc({ reason });
    const frames = Buffer.concat([retry(), resetFrame(this.context.view.revision, reason)]);
    return {
      sendTo: response => {
        if (!response.destroyed) response.end(frames);
      },
    };
  }
}

function retry(): Buffer {
  const [least, most] = RETRY_MS;
  return retryFrame(Math.round(least + Math.random() * (most - least)));
}
