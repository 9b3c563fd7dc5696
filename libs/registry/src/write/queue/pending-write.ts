import { clientNetworkOf } from '@coordination/http';
import { type QueuedRequest, type WriteResult } from '../../requests/write-request.js';

/** A request that waits for its batch, and the caller that waits for its result. */
export interface PendingWrite {
  readonly request: QueuedRequest;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
  /** Monotonic time (ms) of its arrival. */
  readonly since: number;
}

/** How much of a batch and of the queue a request takes: the number of its commands, but at least one. */
export const weightOf = ({ request }: PendingWrite): number => Math.max(1, request.commands.length);

/** Whether the service itself submitted a request: the end of a lease, a guard, the result of a probe, its own record. */
export const isOwn = ({ request }: PendingWrite): boolean => request.origin.source === 'system';

/** The client whose request it is: an IPv4 address or an IPv6 network of 64 bits; empty: unknown. */
export const clientOf = ({ request }: PendingWrite): string => clientNetworkOf(request.origin.clientAddress);

/** A batch that is being put together. It has at least one request, whatever its size; the others stay within the bound. */
export class NextBatch {
  readonly writes: PendingWrite[] = [];

  /** @param room how many commands it may have */
  constructor(private room: number) {}

  /** Adds a request, if there is room for it. @returns whether it was added */
  add(write: PendingWrite): boolean {
    const weight = weightOf(write);
    if (this.writes.length > 0 && weight > this.room) return false;
    this.writes.push(write);
    this.room -= weight;
    return true;
  }
}
