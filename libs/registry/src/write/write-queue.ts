import { QueueFullError } from '@coordination/kernel';
import { type WriteRequest, type WriteResult } from '../requests/write-request.js';

/** A request that waits for its turn, and the caller behind it. */
export interface PendingWrite {
  readonly request: WriteRequest;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
  /** Monotonic time (ms) of its arrival. */
  readonly since: number;
}

const weightOf = ({ request }: PendingWrite): number => request.commands.length;

/** Requests in the order of their arrival, bounded by the number of their commands. */
export class WriteQueue {
  private pending: PendingWrite[] = [];
  private weight = 0;

  constructor(private readonly maxCommands: number) {}

  /** Commands that wait. */
  get length(): number {
    return this.weight;
  }

  get isEmpty(): boolean {
    return this.pending.length === 0;
  }

  /** @throws QueueFullError when the bound is reached; a request that is larger than the bound waits alone */
  push(write: PendingWrite): void {
    if (this.weight > 0 && this.weight + weightOf(write) > this.maxCommands) throw new QueueFullError(this.weight);
    this.pending.push(write);
    this.weight += weightOf(write);
  }

  /** Puts back, in front of all others, what a batch could not carry. */
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
}
