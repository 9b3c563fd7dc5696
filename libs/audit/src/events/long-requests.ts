import { type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Optional } from '@nestjs/common';
import { clientDisconnect } from '@coordination/http';
import { RateLimitedError, StoreUnavailableError } from '@coordination/kernel';

/** Exports and verifications that one node serves at once; each uses a connection of the pool for reads from time to time. */
const MAX_AT_ONCE = 4;

/** How long (ms) these requests may take to finish when the node ends; then they are aborted, and callers can repeat them. */
const FINISH_MS = 5_000;

/** Set by tests only. */
interface Limits {
  readonly limit?: number;
  readonly finishMs?: number;
}

/** A request that may take minutes. */
export interface LongRequest {
  /** Aborted when the client disconnects, or the node ends. */
  readonly signal: AbortSignal;
  /** Must be called when the request has been served. */
  readonly end: () => void;
}

/** Limits how many requests read the whole log at once, and aborts them when the client disconnects or the node ends. */
@Injectable()
export class LongRequests implements BeforeApplicationShutdown {
  private readonly running = new Map<AbortController, Promise<void>>();

  private readonly limit: number;
  private readonly finishMs: number;

  constructor(@Optional() { limit = MAX_AT_ONCE, finishMs = FINISH_MS }: Limits = {}) {
    this.limit = limit;
    this.finishMs = finishMs;
  }

  /**
   * Admits the request that a response belongs to.
   * @throws RateLimitedError when as many are being served as the limit allows
   */
  begin(response: ServerResponse): LongRequest {
    if (this.running.size >= this.limit) throw new RateLimitedError('exports and verifications of the log', this.limit);
    const controller = new AbortController();
    const ended = Promise.withResolvers<void>();
    const disconnect = clientDisconnect(response);
    const onDisconnect = () => controller.abort(disconnect.reason);
    if (disconnect.aborted) onDisconnect();
    else disconnect.addEventListener('abort', onDisconnect);
    this.running.set(controller, ended.promise);
    return {
      signal: controller.signal,
      end: () => {
        disconnect.removeEventListener('abort', onDisconnect);
        this.running.delete(controller);
        ended.resolve();
      },
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.running.size === 0) return;
    const timeUp = new AbortController();
    await Promise.race([
      Promise.all(this.running.values()),
      delay(this.finishMs, undefined, { signal: timeUp.signal }).catch(() => undefined),
    ]);
    timeUp.abort();
    for (const controller of this.running.keys()) controller.abort(new StoreUnavailableError());
  }
}
