import { type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown } from '@nestjs/common';
import { RateLimitedError, StoreUnavailableError } from '@coordination/kernel';

/** How long (ms) such requests may still finish when the service ends; what is cut then can be asked for again. */
const FINISH_MS = 5_000;

/** One request that takes long. */
export interface LongRequest {
  /** Aborted when the client is gone, or the service ends. */
  readonly signal: AbortSignal;
  /** Gives the place back. */
  readonly end: () => void;
}

/** Keeps requests that read the whole log few, and ends them when nobody waits for them any more. */
export class LongRequests implements BeforeApplicationShutdown {
  private readonly running = new Map<AbortController, Promise<void>>();

  /** @param limit how many there may be at once on this node */
  constructor(
    private readonly limit: number,
    private readonly finishMs = FINISH_MS,
  ) {}

  /**
   * Takes a place for the request that a response belongs to.
   * @throws RateLimitedError when all are taken
   */
  begin(response: ServerResponse): LongRequest {
    if (this.running.size >= this.limit) throw new RateLimitedError('exports and verifications of the log', this.limit);
    const controller = new AbortController();
    const ended = Promise.withResolvers<void>();
    const gone = () => controller.abort(new StoreUnavailableError());
    response.once('close', gone);
    this.running.set(controller, ended.promise);
    return {
      signal: controller.signal,
      end: () => {
        response.off('close', gone);
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
