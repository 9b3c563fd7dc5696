import { Readable } from 'node:stream';
import { type OnModuleDestroy } from '@nestjs/common';
import { RateLimitedError, RevisionCompactedError, RevisionUnknownError, StartingError } from '@coordination/kernel';
import { type FeedScope } from '@coordination/catalog';
import { type AnsweredCatalog } from '../responses/catalog-response.js';
import { type Selection } from '../selection/selection.js';
import { type ResetReason, resetFrame, retryFrame } from './sse-frames.js';
import { recordsIn, selected } from './snapshot.js';
import { Watch, type WatchStart } from './watch.js';
import { type WatchContext } from './watch-context.js';

/** Within this time (ms), each client another, clients connect again. */
const RETRY_MS = [1_000, 5_000] as const;

/**
 * How long (ms) a watch waits for a node that has just started to load the catalog. EventSource gives up for good when it is
 * answered by an error, and it comes back while the node that it was cut off from starts again.
 */
const START_PATIENCE_MS = 5_000;

/** A snapshot of more instances than this counts as large, of which there may be so many at once. */
const LARGE_SNAPSHOT = 10_000;
const MAX_LARGE_SNAPSHOTS = 32;

/** What somebody wants to watch. */
export interface WatchRequest {
  readonly scope: FeedScope;
  readonly selection: Selection;
  /** The revision up to which the watcher knows everything; undefined: it knows nothing. */
  readonly since: number | undefined;
}

/** A watch, ready to be sent. */
export interface OpenedWatch {
  readonly catalog: AnsweredCatalog;
  readonly stream: Readable;
}

/** Waits until the view has what a caller knows. */
export interface SinceGate {
  /** @throws RevisionUnknownError, RevisionCompactedError, StaleViewError, StartingError */
  reach(revision: number, signal?: AbortSignal): Promise<void>;
}

/** All watches of this node. */
export class Watches implements OnModuleDestroy {
  private readonly open = new Set<Watch>();
  /** Watches that are being opened have a place already. */
  private places = 0;
  /** Large snapshots whose instances are being selected. */
  private selecting = 0;
  private isEnding = false;

  constructor(
    private readonly context: WatchContext,
    private readonly gate: SinceGate,
  ) {}

  /** How many there are. */
  get size(): number {
    return this.open.size;
  }

  get backlogBytes(): number {
    let bytes = 0;
    for (const { stream } of this.open) bytes += stream.readableLength;
    return bytes;
  }

  /**
   * Says of which catalog a watch would tell, without opening one.
   * @throws StartingError, StaleViewError, RateLimitedError
   */
  check(): AnsweredCatalog {
    this.assertPlace();
    return this.catalog();
  }

  /**
   * Begins a watch; a node that is still starting is waited for a while. Whoever has a position that means nothing here is told so by its first and only event.
   * @param signal aborted when the watcher is gone
   * @throws StartingError, StaleViewError, RateLimitedError, InvalidFilterError
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
      if (typeof start === 'string') return { catalog, stream: this.refusal(start) };
      watch = this.watch(start);
      if (signal.aborted || this.isEnding) watch.end();
      const revision = start.snapshot ? start.position : catalog.revision;
      return { catalog: { ...catalog, revision }, stream: watch.stream };
    } finally {
      if (!watch) this.places -= 1;
    }
  }

  /** Ends all, so that watchers go on elsewhere. */
  onModuleDestroy(): void {
    this.isEnding = true;
    for (const watch of this.open) watch.end();
  }

  private assertPlace(): void {
    const { watches } = this.context.limits;
    if (this.places >= watches) throw new RateLimitedError('watches', watches);
  }

  private watch(start: WatchStart): Watch {
    const watch = new Watch(this.context, start);
    this.open.add(watch);
    watch.stream.once('close', () => {
      this.open.delete(watch);
      this.places -= 1;
    });
    watch.begin(this.retry());
    return watch;
  }

  private async startOf(request: WatchRequest, signal: AbortSignal): Promise<WatchStart | ResetReason> {
    const { scope, selection, since } = request;
    if (since === undefined) return await this.startWithSnapshot(request);
    try {
      await this.gate.reach(since, signal);
    } catch (error) {
      if (error instanceof RevisionCompactedError) return 'compacted';
      if (!(error instanceof RevisionUnknownError)) throw error;
      return error.reason === 'above-head' ? 'unknown_revision' : 'new_epoch';
    }
    return { scope, selection, position: since, epoch: this.catalog().epoch, snapshot: undefined };
  }

  /** The snapshot is that of one moment, whatever happens while it is looked through. */
  private async startWithSnapshot({ scope, selection }: WatchRequest): Promise<WatchStart> {
    const { revision: position, epoch } = this.catalog();
    const records = recordsIn(this.context.view, scope);
    const isLarge = records.length > LARGE_SNAPSHOT;
    if (isLarge && this.largeSnapshots >= MAX_LARGE_SNAPSHOTS) {
      throw new RateLimitedError('snapshots of many instances', MAX_LARGE_SNAPSHOTS);
    }
    if (isLarge) this.selecting += 1;
    try {
      const snapshot = await selected(records, selection, this.context.clock);
      return { scope, selection, position, epoch, snapshot };
    } finally {
      if (isLarge) this.selecting -= 1;
    }
  }

  /** They hold on to instances that may be no longer what they were. */
  private get largeSnapshots(): number {
    let count = this.selecting;
    for (const { heldInstances } of this.open) if (heldInstances > LARGE_SNAPSHOT) count += 1;
    return count;
  }

  private catalog(): AnsweredCatalog {
    const { view } = this.context;
    view.assertReadable();
    const { position } = view;
    if (!position) throw new StartingError();
    return { revision: position.revision, epoch: position.epoch, stalenessSeconds: view.freshness().stalenessSeconds };
  }

  private refusal(reason: ResetReason): Readable {
    this.context.metrics.resets.inc({ reason });
    return Readable.from([this.retry(), resetFrame(this.context.view.revision, reason)]);
  }

  private retry(): Buffer {
    const [least, most] = RETRY_MS;
    return retryFrame(Math.round(least + this.context.random() * (most - least)));
  }
}
