import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CatalogChange, type FeedFollower, type FeedScope, type InstanceRecord } from '@coordination/catalog';
import { type Selection } from '../selection/selection.js';
import { ChangeSender } from './change-sender.js';
import { bookmarkFrame, commentFrame, resetFrame, type ResetReason } from './sse-frames.js';
import { resetReasonFor } from './log-segment.js';
import { snapshotPieces } from './snapshot.js';
import { type Worker } from './fair-scheduler.js';
import { type WatchContext } from './watch-context.js';
import { WatchStream } from './watch-stream.js';

/** Changes that are kept for a watcher until its turn comes; with more to tell it reads them where they lie anyway. */
const MAX_PENDING = 64;

/** Changes that are taken from memory at once. */
const MAX_TAKEN = 256;

/** How long (ms) a reader that was told that it is too slow may take to read that. */
const FAREWELL_MS = 2_000;

/** Where a watch begins. */
export interface WatchStart {
  readonly scope: FeedScope;
  readonly selection: Selection;
  readonly epoch: string;
  /** The revision up to which the watcher knows everything. */
  readonly position: number;
  /** The selected instances at that revision, if the watcher is to be told them. */
  readonly snapshot: readonly InstanceRecord[] | undefined;
}

/**
 * One watcher. It has a position, up to which everything has been sent, and is one of three things: *live* (it is told
 * changes as they come), *behind* (it reads on from its position, in memory or in the log, whenever its reader takes
 * more), or *over*. What a slow reader has not been sent is kept by nobody for its sake.
 */
export class Watch implements FeedFollower, Worker {
  readonly stream: WatchStream;
  private isLive = false;
  private isCatchingUp = false;
  private pending: CatalogChange[] = [];
  private snapshot: Iterator<Buffer, void> | undefined;
  private snapshotSize: number;
  private bookmarkTimer: NodeJS.Timeout | undefined;
  private readonly ending = new AbortController();
  private readonly epoch: string;
  private readonly teller: ChangeSender;
  private readonly unfollow: () => void;

  constructor(
    private readonly context: WatchContext,
    start: WatchStart,
  ) {
    const { limits, clock, feed } = context;
    const { epoch, position, snapshot } = start;
    this.epoch = epoch;
    this.snapshot = snapshot && snapshotPieces(position, snapshot);
    this.snapshotSize = snapshot?.length ?? 0;
    this.stream = new WatchStream({
      backlogBytes: limits.backlogBytes,
      clock,
      onWanted: () => context.turns.ask(this),
      onClosed: () => this.close(),
    });
    this.teller = new ChangeSender(context, this.stream, start);
    this.unfollow = feed.follow(start.scope, this);
    this.planBookmark();
  }

  /** How many instances the snapshot has that is being sent; 0 when it has been. */
  get heldInstances(): number {
    return this.snapshotSize;
  }

  /** Says hello; the rest follows as the reader takes it. */
  begin(greeting: Buffer): void {
    this.teller.write(greeting);
    this.context.turns.ask(this);
  }

  /** Takes a change that everybody in scope is told of. */
  changed(change: CatalogChange): void {
    if (!this.isLive || change.revision <= this.teller.position) return;
    if (this.stream.wantsMore && this.pending.length < MAX_PENDING) this.pending.push(change);
    else this.fallBehind(change.revision - 1);
    this.context.turns.ask(this);
  }

  /** What was told up to now is sent still; what came after it is in memory no longer. */
  restarted(): void {
    if (this.isLive) this.fallBehind(this.context.feed.toldUpTo);
    this.context.turns.ask(this);
  }

  /** Sends one piece of what there is to send, if the reader takes it. */
  step(): boolean {
    this.context.metrics.turns.inc();
    if (this.isOver || this.isCatchingUp || !this.stream.wantsMore) return false;
    if (this.snapshot) return this.sendSnapshot(this.snapshot);
    if (!this.isSameEpoch()) return false;
    if (this.isLive) {
      this.pending.splice(0, this.teller.tell(this.pending));
      return this.pending.length > 0;
    }
    const changes = this.context.feed.after(this.teller.position, MAX_TAKEN);
    if (changes === undefined) {
      void this.catchUp();
      return false;
    }
    this.isLive = changes.length === 0;
    this.teller.tell(changes);
    return !this.isLive;
  }

  /** Ends it without a word: the watcher may go on elsewhere. */
  end(): void {
    this.close();
    if (this.stream.fullForMs === 0) this.stream.end();
    else this.stream.destroy();
  }

  private get isOver(): boolean {
    return this.ending.signal.aborted;
  }

  private isSameEpoch(): boolean {
    if (this.context.view.position?.epoch === this.epoch) return true;
    this.reset('new_epoch');
    return false;
  }

  /** Everything in scope up to a revision, unless it is yet to be sent, has been. */
  private fallBehind(doneUpTo: number): void {
    const next = this.pending[0];
    this.teller.passTo(next ? next.revision - 1 : doneUpTo);
    this.pending = [];
    this.isLive = false;
  }

  private sendSnapshot(pieces: Iterator<Buffer, void>): boolean {
    const piece = pieces.next();
    if (!piece.done) {
      this.teller.write(piece.value);
      return true;
    }
    this.snapshot = undefined;
    this.snapshotSize = 0;
    this.context.metrics.events.inc({ event: 'snapshot' });
    return true;
  }

  /** Reads on in the log, when there is a place among those who do, and then in memory again. */
  private async catchUp(): Promise<void> {
    this.isCatchingUp = true;
    const from = this.teller.position;
    try {
      await this.context.catchUps(() => this.readOn());
    } catch (error) {
      if (this.isOver) return;
      this.context.onFailure(error);
      this.stream.destroy();
    }
    this.isCatchingUp = false;
    if (this.isOver) return;
    if (this.teller.position > from || !this.stream.wantsMore) this.context.turns.ask(this);
    else this.context.later(() => this.context.turns.ask(this));
  }

  /** One page of the log. The place is given back when the reader takes no more, for it may take its time. */
  private async readOn(): Promise<void> {
    if (this.isOver) return;
    this.context.metrics.pages.inc();
    const stretch = await this.context.pages(this.teller.position, this.epoch, this.ending.signal);
    if (this.isOver) return;
    const obstacle = resetReasonFor(stretch, this.teller.position, this.epoch);
    if (obstacle) return this.reset(obstacle);
    let changes = stretch.changes.filter(({ revision }) => revision > this.teller.position);
    while (changes.length > 0) {
      if (this.isOver || !this.stream.wantsMore) return;
      changes = changes.slice(this.teller.tell(changes));
      await nextTurn();
    }
    this.teller.passTo(stretch.upTo);
  }

  private planBookmark(): void {
    const { limits, random } = this.context;
    // Jitter: those who came together are not to be served together for ever.
    this.bookmarkTimer = setTimeout(() => this.bookmark(), limits.bookmarkMs * (0.75 + 0.2 * random()));
  }

  /** Says up to where everything has been sent, and finds out whether the watcher still reads. */
  private bookmark(): void {
    this.planBookmark();
    if (!this.stream.wantsMore) {
      if (this.stream.fullForMs > this.context.limits.stallMs) this.reset('too_slow');
      return;
    }
    if (this.snapshot || !this.isSameEpoch()) return;
    if (this.context.isStale()) {
      this.teller.write(STALE);
      return;
    }
    if (this.isLive && this.pending.length === 0) this.teller.passTo(this.context.toldUpTo());
    this.teller.write(bookmarkFrame(this.teller.position));
    this.context.metrics.events.inc({ event: 'bookmark' });
  }

  /** Tells the watcher to begin anew. Within a snapshot nothing can be said. */
  private reset(reason: ResetReason): void {
    this.context.metrics.resets.inc({ reason });
    this.close();
    if (this.snapshot) {
      this.stream.destroy();
      return;
    }
    this.teller.write(resetFrame(this.context.view.revision, reason));
    this.stream.end();
    this.context.later(() => this.stream.destroy(), FAREWELL_MS);
  }

  private close(): void {
    clearTimeout(this.bookmarkTimer);
    this.unfollow();
    this.context.turns.leave(this);
    this.pending = [];
    this.ending.abort();
  }
}

const STALE = commentFrame('this node cannot tell at present whether it is current');
