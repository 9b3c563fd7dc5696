import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { QueueFullError, StoreUnavailableError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { awakeMsSince, LoopDelay } from '@coordination/scheduling';
import { type QueuedRequest, type WriteResult } from '../requests/write-request.js';
import { batchLimitMs, writeSettings, type WriteSettings } from './write-settings.js';

/** A request that waits for its batch, and the caller that waits for its result. */
export interface PendingWrite {
  readonly request: QueuedRequest;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
  /** Monotonic time (ms) of its arrival. */
  readonly since: number;
}

/** Commits a batch and answers its callers; never throws. */
export type BatchCommit = (batch: readonly PendingWrite[]) => Promise<void>;

const weightOf = ({ request }: PendingWrite): number => request.commands.length;

/**
 * Requests in the order of their arrival, bounded by the number of their commands. Requests that arrive while a batch is
 * being committed form the next one, so an idle service does not wait and a busy one shares its round trips.
 */
@Injectable()
export class WriteQueue implements OnModuleInit {
  private pending: PendingWrite[] = [];
  private weight = 0;
  private draining: Promise<void> | undefined;

  constructor(
    @Inject(writeSettings) private readonly settings: WriteSettings,
    private readonly metrics: Metrics,
    @Inject(LoopDelay) private readonly stalls: Pick<LoopDelay, 'stalledMsSince'>,
  ) {}

  onModuleInit(): void {
    this.metrics.observedGauge('write_queue_commands', 'Commands that wait for their batch.', () => this.length);
  }

  /** Commands that wait. */
  get length(): number {
    return this.weight;
  }

  get isEmpty(): boolean {
    return this.pending.length === 0;
  }

  /** @throws QueueFullError when the bound is reached; a request that is larger than the bound is accepted when no other waits */
  push(write: PendingWrite): void {
    if (this.weight > 0 && this.weight + weightOf(write) > this.settings.maxQueuedCommands) {
      throw new QueueFullError(this.weight);
    }
    this.pending.push(write);
    this.weight += weightOf(write);
  }

  /** Puts requests that a batch could not carry back, in front of all others. */
  putBack(writes: readonly PendingWrite[]): void {
    this.pending.unshift(...writes);
    for (const write of writes) this.weight += weightOf(write);
  }

  /** Takes the requests of the next batch: as many as stay within the bound, but at least one. */
  take(maxCommands: number): PendingWrite[] {
    let count = 0;
    let weight = 0;
    for (const write of this.pending) {
      if (count > 0 && weight + weightOf(write) > maxCommands) break;
      weight += weightOf(write);
      count++;
    }
    this.weight -= weight;
    return this.pending.splice(0, count);
  }

  /** Commits batch after batch until the queue is empty, unless that is already under way. */
  drain(commit: BatchCommit): void {
    this.draining ??= this.commitAll(commit);
  }

  /** Resolves when no request waits and no batch is being committed. */
  async idle(): Promise<void> {
    await this.draining;
  }

  private async commitAll(commit: BatchCommit): Promise<void> {
    // Requests of the same turn of the event loop share the first batch.
    await Promise.resolve();
    while (!this.isEmpty) {
      const batch = this.rejectLate(this.take(this.settings.maxBatchChanges));
      if (batch.length > 0) await commit(batch);
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
