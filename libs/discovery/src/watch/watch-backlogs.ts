import { BytesUnderWay } from '@coordination/http';
import { Clock, systemClock } from '@coordination/kernel';
import { awakeMsSince, LoopDelay, type StallRecord } from '@coordination/scheduling';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { watchLimits, type WatchLimits } from './watch-limits.js';

/** The largest part of the bound of bytes under way that watches may have, so that large lists are still sent. */
const SHARE = 1 / 2;

/**
 * The bytes that wait for watchers that read slowly: how many one watch may have, how many all of them, and for how long. They
 * are bytes under way, like those of large responses.
 */
@Injectable()
export class WatchBacklogs {
  private bytes = 0;

  constructor(
    @Inject(watchLimits) readonly limits: WatchLimits,
    @Inject(BytesUnderWay) private readonly underWay: Pick<BytesUnderWay, 'count' | 'maxBytes'>,
    @Inject(LoopDelay) private readonly stalls: StallRecord,
    @Optional() private readonly clock: Clock = systemClock,
  ) {}

  /** The bytes that wait, of all watches together. */
  get byteLength(): number {
    return this.bytes;
  }

  /** With so many bytes, watches get nothing more as long as something waits for them. */
  get maxBytes(): number {
    return this.underWay.maxBytes * SHARE;
  }

  /** The time of the monotonic clock. */
  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** For how long (ms) this process has run since a monotonic time: while it stood still, it could not see what clients read. */
  awakeMsSince(sinceMs: number): number {
    return awakeMsSince(this.stalls, sinceMs, this.clock);
  }

  /** Counts bytes that begin to wait; negative: that wait no longer. */
  add(bytes: number): void {
    this.bytes += bytes;
    this.underWay.count(bytes);
  }

  /** Whether a watch for which so many bytes wait must get no more. */
  isFullWith(bytes: number): boolean {
    return bytes >= this.limits.backlogBytes || (bytes > 0 && this.bytes >= this.maxBytes);
  }
}
