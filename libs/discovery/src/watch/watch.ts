import { type CatalogChange, type FeedFollower, type InstanceRecord, type Scope } from '@coordination/catalog';
import { type Stepper, type WorkOwner } from '@coordination/scheduling';
import { type Selection } from '../selection/selection.js';
import { resetReasonFor } from './catch-up/log-segment.js';
import { ChangeSender } from './change-sender.js';
import { snapshotPieces } from './snapshot.js';
import { bookmarkFrame, commentFrame, resetFrame, type ResetReason } from './sse/sse-frames.js';
import { type WatchContext } from './watch-context.js';
import { WatchStream, type WatchStreamOwner } from './watch-stream.js';

/** Changes that are queued for a watch until its turn; a watch with more reads them from the feed. */
const MAX_PENDING = 64;

/** Changes that are taken from the feed at once. */
const MAX_TAKEN = 256;

/** How long (ms) a client that reads too slowly may take to read the reset. */
const RESET_GRACE_MS = 2_000;

/** How often a watch that begins makes a write at once: a snapshot of few instances, and its end. */
const FIRST_STEPS = 3;

/** A snapshot of so many instances is sent at once. */
const SMALL_SNAPSHOT = 16;

/**
 * The time between two bookmarks, as shares of the longest time. It is random: watches that began together must not send their
 * bookmarks together for ever. There are few different times, since Node.js keeps a list of timers for each.
 */
const BOOKMARK_STEPS = 64;
const LEAST_BOOKMARK_STEPS = 48;
const MOST_BOOKMARK_STEPS = 61;

/** Why the reading of the log ends; nobody sees it. */
const OVER = new Error('The watch has ended.');

/** Where a watch begins. */
export interface WatchStart {
  readonly scope: Scope;
  readonly selection: Selection;
  readonly epoch: string;
  /** The revision up to which the client knows everything. */
  readonly position: number;
  /** The selected instances at that revision, if the client needs a snapshot. */
  readonly snapshot: readonly InstanceRecord[] | undefined;
  /** The address of the client. */
  readonly client: string | null;
}

/**
 * One watch of a client. Its position is the revision up to which everything has been sent. It is *live* (receives changes
 * from the feed), *behind* (reads on from its position, in memory or in the log, whenever the client reads) or *over*. Nothing
 * is queued for a slow client beyond its backlog.
 */
export class Watch implements FeedFollower, Stepper, WatchStreamOwner {
  readonly stream: WatchStream;
  private isLive = false;
  private isCatchingUp = false;
  private pending: CatalogChange[] = [];
  private snapshot: Iterator<Buffer | undefined, void> | undefined;
  private snapshotSize: number;
  private bookmarkTimer: NodeJS.Timeout | undefined;
  private isOver = false;
  /** Ends the reading of the log. */
  private reading: AbortController | undefined;
  private readonly epoch: string;
  /** A snapshot is more work than changes, and must not delay those of other watches. */
  private owner: WorkOwner;
  private readonly sender: ChangeSender;
  private readonly unfollow: () => void;

  /** @param onGone called once, when the stream is closed by either side */
  constructor(
    private readonly context: WatchContext,
    start: WatchStart,
    private readonly onGone: (watch: Watch) => void = () => undefined,
  ) {
    const { backlogs, feed } = context;
    const { epoch, position, snapshot, client } = start;
    this.epoch = epoch;
    this.owner = { workClass: snapshot ? 'heavy' : 'hot', client };
    this.snapshot = snapshot && snapshotPieces(position, snapshot);
    this.snapshotSize = snapshot?.length ?? 0;
    this.stream = new WatchStream(backlogs, this);
    this.sender = new ChangeSender(context, this.stream, start);
    this.unfollow = feed.follow(start.scope, this);
    this.planBookmark();
  }

  /** How many instances the snapshot has that is being sent; 0 when it has been sent. */
  get heldInstances(): number {
    return this.snapshotSize;
  }

  /**
   * Sends the first frame, and a small snapshot with it: one write to the socket costs as much as all the rest. Further events
   * follow as the client reads.
   */
  begin(firstFrame: Buffer): void {
    this.sender.write(firstFrame);
    let hasMore = true;
    if (this.snapshotSize <= SMALL_SNAPSHOT) for (let n = 0; n < FIRST_STEPS && hasMore; n++) hasMore = this.step();
    if (hasMore) this.schedule();
  }

  /** The client reads again. */
  onWanted(): void {
    this.schedule();
  }

  /** The stream is closed. */
  onClosed(): void {
    this.close();
    this.onGone(this);
  }

  /** Receives a change in scope from the feed. */
  changed(change: CatalogChange): void {
    if (!this.isLive || change.revision <= this.sender.position) return;
    if (this.stream.wantsMore && this.pending.length < MAX_PENDING) this.pending.push(change);
    else this.fallBehind(change.revision - 1);
    this.schedule();
  }

  /** Changes that were delivered before are still sent; later ones are no longer in memory. */
  restarted(): void {
    if (this.isLive) this.fallBehind(this.context.feed.lastDelivered);
    this.schedule();
  }

  /** Makes one write at most, if the client reads and there is something to send. */
  step(): boolean {
    this.context.metrics.turns.inc();
    if (this.isOver || this.isCatchingUp || !this.stream.wantsMore) return false;
    if (this.snapshot) return this.sendSnapshot(this.snapshot);
    if (!this.isSameEpoch()) return false;
    if (this.isLive) {
      this.pending.splice(0, this.sender.send(this.pending));
      return this.pending.length > 0;
    }
    const changes = this.context.feed.after(this.sender.position, MAX_TAKEN);
    if (changes === undefined) {
      void this.catchUp();
      return false;
    }
    this.isLive = changes.length === 0;
    this.sender.send(changes);
    return !this.isLive;
  }

  /** Ends the watch without an event: the client may continue on another node. */
  end(): void {
    this.close();
    if (this.stream.fullForMs === 0) this.stream.end();
    else this.stream.destroy();
  }

  private isSameEpoch(): boolean {
    if (this.context.view.position?.epoch === this.epoch) return true;
    this.reset('new_epoch');
    return false;
  }

  /** Every change in scope up to a revision has been sent, apart from those that are pending. */
  private fallBehind(doneUpTo: number): void {
    const next = this.pending[0];
    this.sender.advanceTo(next ? next.revision - 1 : doneUpTo);
    this.pending = [];
    this.isLive = false;
  }

  private sendSnapshot(pieces: Iterator<Buffer | undefined, void>): boolean {
    const piece = pieces.next();
    if (!piece.done) {
      if (piece.value) this.sender.write(piece.value);
      return true;
    }
    this.snapshot = undefined;
    this.snapshotSize = 0;
    this.owner = { ...this.owner, workClass: 'hot' };
    this.context.metrics.events.inc({ event: 'snapshot' });
    return true;
  }

  /** Reads on in the log when a slot is free, and then in memory again. */
  private async catchUp(): Promise<void> {
    const { catchUps } = this.context;
    this.isCatchingUp = true;
    const from = this.sender.position;
    this.reading ??= new AbortController();
    const { signal } = this.reading;
    const hasSucceeded = await catchUps.run(() => this.readPage(signal), signal);
    if (!hasSucceeded && !this.isOver) this.stream.destroy();
    this.isCatchingUp = false;
    if (this.isOver) return;
    if (this.sender.position > from || !this.stream.wantsMore) this.schedule();
    else catchUps.pollAgain(() => this.schedule());
  }

  /** Sends one page of the log. Gives up its slot when the client stops reading, since that may take long. */
  private async readPage(signal: AbortSignal): Promise<void> {
    if (this.isOver) return;
    this.context.metrics.pages.inc();
    const { position } = this.sender;
    const segment = await this.context.catchUps.segmentAround(position, this.epoch, signal);
    if (this.isOver) return;
    const reason = resetReasonFor(segment, this.sender.position, this.epoch);
    if (reason) return this.reset(reason);
    let changes = segment.changes.filter(({ revision }) => revision > this.sender.position);
    const turn = this.context.scheduler.begin(this.owner);
    while (changes.length > 0) {
      if (turn.isOver) await turn.next();
      if (this.isOver || !this.stream.wantsMore) break;
      changes = changes.slice(this.sender.send(changes));
    }
    turn.end();
    if (changes.length === 0) this.sender.advanceTo(segment.upTo);
  }

  private schedule(): void {
    this.context.scheduler.schedule(this, this.owner);
  }

  private planBookmark(): void {
    const { bookmarkMs } = this.context.limits;
    const steps = LEAST_BOOKMARK_STEPS + Math.floor(Math.random() * (MOST_BOOKMARK_STEPS - LEAST_BOOKMARK_STEPS));
    this.bookmarkTimer = setTimeout(() => this.bookmark(), (bookmarkMs * steps) / BOOKMARK_STEPS);
  }

  /** Reports the position, and detects a client that no longer reads. */
  private bookmark(): void {
    const { view, feed, limits, metrics } = this.context;
    this.planBookmark();
    if (!this.stream.wantsMore) {
      if (this.stream.fullForMs > limits.stallMs) this.reset('too_slow');
      return;
    }
    if (this.snapshot || !this.isSameEpoch()) return;
    if (view.isStale) {
      this.sender.write(STALE);
      return;
    }
    if (this.isLive && this.pending.length === 0) this.sender.advanceTo(feed.deliveredUpTo);
    this.sender.write(bookmarkFrame(this.sender.position));
    metrics.events.inc({ event: 'bookmark' });
  }

  /** Tells the client to start again without a revision. Within a snapshot no event can be sent. */
  private reset(reason: ResetReason): void {
    this.context.metrics.resets.inc({ reason });
    this.close();
    if (this.snapshot) {
      this.stream.destroy();
      return;
    }
    this.sender.write(resetFrame(this.context.view.revision, reason));
    this.stream.end();
    setTimeout(() => this.stream.destroy(), RESET_GRACE_MS).unref();
  }

  private close(): void {
    clearTimeout(this.bookmarkTimer);
    this.unfollow();
    this.context.scheduler.cancel(this);
    this.pending = [];
    this.isOver = true;
    this.reading?.abort(OVER);
  }
}

const STALE = commentFrame('this node does not know at present whether its data is current');
