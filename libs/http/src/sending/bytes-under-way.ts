import { Inject, Injectable, Optional } from '@nestjs/common';
import { memoryShares, type Settings } from '@coordination/config';
import { OverloadedError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { DistinctBytes, memoryOf } from './distinct-bytes.js';
import { type SharedBody } from './shared-body.js';

/** The most distinct bytes of large responses that sockets may hold at once. */
export const bytesUnderWayLimit = (settings: Settings) => ({ maxBytes: memoryShares(settings).bytesUnderWay });

export type BytesUnderWayLimit = ReturnType<typeof bytesUnderWayLimit>;

/** Callers that were refused return after 1 to so many seconds, so that they do not all return at once. */
const RETRY_WITHIN_SECONDS = 5;

/**
 * Counts the distinct bytes that responses under way refer to, and bounds them. A body that many sockets are sent counts once.
 * A large list that changes while clients do not read their response keeps each version in memory; versions share the pieces
 * that did not change.
 */
@Injectable()
export class BytesUnderWay {
  /** What responses refer to. */
  private readonly responses = new DistinctBytes();
  /** The bytes that no response shares, such as those that wait for slow watchers. */
  private unshared = 0;
  private refusals = 0;

  /** @param random from 0 up to, but not including, 1 */
  constructor(
    @Inject(bytesUnderWayLimit) private readonly limit: BytesUnderWayLimit,
    metrics: Metrics,
    @Optional() private readonly random: () => number = Math.random,
  ) {
    metrics.observedGauge(
      'response_bytes_under_way',
      'Distinct bytes of large responses, and of watches, that clients have not taken yet.',
      () => this.byteLength,
    );
    metrics.observedGauge(
      'response_bytes_under_way_limit',
      'The most distinct bytes of large responses that clients may leave untaken.',
      () => this.limit.maxBytes,
    );
    metrics.observedCounter(
      'responses_refused_total',
      'Large responses that were refused because too many bytes of others were under way.',
      () => this.refusals,
    );
  }

  /** The distinct bytes under way now. */
  get byteLength(): number {
    return this.responses.byteLength + this.unshared;
  }

  /** The most bytes that may be under way. */
  get maxBytes(): number {
    return this.limit.maxBytes;
  }

  /**
   * Counts a body until it is released. The first one is always admitted, however large it is, and whatever waits for watchers.
   * @returns how to release it; further calls have no effect
   * @throws OverloadedError when the bytes that no other response holds would exceed the limit
   */
  hold(body: SharedBody): () => void {
    const memory = memoryOf(body);
    const added = this.responses.addedBy(memory);
    if (added > 0 && !this.responses.isEmpty && this.byteLength + added > this.limit.maxBytes) {
      this.refusals += 1;
      throw new OverloadedError(1 + Math.floor(this.random() * RETRY_WITHIN_SECONDS));
    }
    this.responses.add(memory);
    return () => {
      this.responses.remove(memory);
      memory.clear();
    };
  }

  /** Counts bytes that no other response has, such as those that wait for a slow watcher; negative: that wait no longer. */
  count(bytes: number): void {
    this.unshared += bytes;
  }
}
