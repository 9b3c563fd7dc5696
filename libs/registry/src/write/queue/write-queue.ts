import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { QueueFullError, StoreUnavailableError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { awakeMsSince, LoopDelay } from '@coordination/scheduling';
import { batchLimitMs, writeSettings, type WriteSettings } from '../write-settings.js';
import { CallerLines } from './caller-lines.js';
import { isOwn, NextBatch, type PendingWrite, weightOf } from './pending-write.js';

/**
 * Commits a batch and answers its callers; never throws.
 * @returns the requests that the batch could not carry, in their order
 */
export type BatchCommit = (batch: readonly PendingWrite[]) => Promise<readonly PendingWrite[]>;

/** How many batches in a row may leave no room for the client whose turn it is. */
const PASSES_MAX = 4;

/**
 * Requests that wait for their batch, bounded by the number of their commands. Requests that arrive while a batch is being
 * committed form the next one, so an idle service does not wait and a busy one shares its round trips.
 *
 * The requests of the service itself come first: the end of a lease waits for the batch that is being committed, and for no
 * other. Then come small requests of clients that had none waiting, then all others, by turns of the clients
 * ({@link CallerLines}). After {@link PASSES_MAX} batches without room for the client whose turn it is, its request comes first.
 */
@Injectable()
export class WriteQueue implements OnModuleInit {
  /** Requests of the service itself. */
  private readonly own: PendingWrite[] = [];
  private ownWeight = 0;
  private readonly callers = new CallerLines();
  private passes = 0;
  /** Requests that were rejected in favour of others. */
  private displaced = 0;
  private draining: Promise<void> | undefined;

  constructor(
    @Inject(writeSettings) private readonly settings: WriteSettings,
    private readonly metrics: Metrics,
    @Inject(LoopDelay) private readonly stalls: Pick<LoopDelay, 'stalledMsSince'>,
  ) {}

  onModuleInit(): void {
    const { metrics } = this;
    metrics.observedGauge('write_queue_commands', 'Commands that wait for their batch.', () => this.length);
    metrics.observedCounter(
      'write_queue_displaced_total',
      'Waiting requests that got QUEUE_FULL when the queue was full, in favour of a client with fewer commands.',
      () => this.displaced,
    );
  }

  /** Commands that wait. */
  get length(): number {
    return this.ownWeight + this.callers.weight;
  }

  get isEmpty(): boolean {
    return this.own.length === 0 && this.callers.isEmpty;
  }

  /**
   * Adds a request. The service itself and all callers together have a bound of the same size each. When callers have reached
   * it, the newest requests of the client that has most are rejected in favour of one that has fewer.
   * @throws QueueFullError when the bound is reached; a request that is larger than the bound is accepted when no other waits
   */
  push(write: PendingWrite): void {
    const weight = weightOf(write);
    if (isOwn(write)) {
      if (this.commandsTooMany(this.ownWeight, weight) > 0) throw new QueueFullError(this.ownWeight);
      this.own.push(write);
      this.ownWeight += weight;
      return;
    }
    const { callers } = this;
    const tooMany = this.commandsTooMany(callers.weight, weight);
    if (tooMany > 0) {
      const waiting = callers.weight;
      const out = callers.makeRoomFor(write, tooMany);
      if (out.length === 0) throw new QueueFullError(waiting);
      for (const { reject } of out) reject(new QueueFullError(waiting));
      this.displaced += out.length;
    }
    callers.add(write);
  }

  /** Puts requests that a batch could not carry back, in front of the others of their clients. */
  putBack(writes: readonly PendingWrite[]): void {
    if (writes.length === 0) return;
    const own = writes.filter(isOwn);
    this.own.unshift(...own);
    for (const write of own) this.ownWeight += weightOf(write);
    this.callers.putBack(own.length === 0 ? writes : writes.filter(write => !isOwn(write)));
  }

  /** Takes the requests of the next batch: as many as stay within the bound, but at least one. */
  take(maxCommands: number): PendingWrite[] {
    const { callers } = this;
    const batch = new NextBatch(maxCommands);
    const isTurnFirst = this.passes >= PASSES_MAX;
    let hadTurn = isTurnFirst && callers.takeTurns(batch);
    this.takeOwn(batch);
    callers.takeFresh(batch);
    if (!isTurnFirst) hadTurn = callers.takeTurns(batch);
    this.passes = hadTurn || !callers.hasTurns ? 0 : this.passes + 1;
    return batch.writes;
  }

  /** Commits batch after batch until the queue is empty, unless that is already under way. */
  drain(commit: BatchCommit): void {
    this.draining ??= this.commitAll(commit);
  }

  /** Resolves when no request waits and no batch is being committed. */
  async idle(): Promise<void> {
    await this.draining;
  }

  private takeOwn(batch: NextBatch): void {
    const { own } = this;
    let count = 0;
    for (; count < own.length && batch.add(own[count]!); count++) this.ownWeight -= weightOf(own[count]!);
    own.splice(0, count);
  }

  /** By how many commands a request would exceed the bound of those that wait. */
  private commandsTooMany(waiting: number, weight: number): number {
    return waiting === 0 ? 0 : Math.max(0, waiting + weight - this.settings.maxQueuedCommands);
  }

  private async commitAll(commit: BatchCommit): Promise<void> {
    // Requests of the same turn of the event loop share the first batch.
    await Promise.resolve();
    while (!this.isEmpty) {
      const batch = this.rejectLate(this.take(this.settings.maxBatchChanges));
      if (batch.length > 0) this.putBack(await commit(batch));
    }
    this.draining = undefined;
  }

  /**
   * Rejects requests that have waited as long as a batch may take: while the database is away, every batch takes long to
   * fail, and the last requests of a long queue would get their error only after a minute. Stalls of this process do not count.
   */
  private rejectLate(batch: readonly PendingWrite[]): PendingWrite[] {
    const limitMs = batchLimitMs(this.settings);
    const oldest = performance.now() - limitMs;
    return batch.filter(({ since, reject }) => {
      if (since >= oldest || awakeMsSince(this.stalls, since) <= limitMs) return true;
      reject(new StoreUnavailableError());
      return false;
    });
  }
}
