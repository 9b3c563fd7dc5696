import { Injectable } from '@nestjs/common';
import { RequestPlaces } from '@coordination/http';

/** How often a request waits for work of others, before it does the work itself: the catalog may change faster than it is read. */
const MAX_JOINED = 3;

/**
 * Places for reads that are answered from the view. Many requests often need the same result, which is then cached, such as the
 * long polls of a large list that has changed: one of them gets a place for all, and the others wait for it outside the line.
 */
@Injectable()
export class MemoryPlaces {
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(private readonly places: RequestPlaces) {}

  /**
   * Waits for a place for the request that is being served.
   * @throws OverloadedError
   */
  async enter(): Promise<void> {
    await this.places.enter('memory');
  }

  /**
   * Does work whose result is cached, with a place if it is not cached yet. Unlike those of `Flights`, requests do not share the
   * promise of a result: a place belongs to one request, so its refusal or failure must not be that of the others.
   * @param key the same for all requests that need the same result
   * @param isNeeded whether the result has to be made now
   * @throws OverloadedError, and what `work` throws
   */
  async once<Result>(key: string, isNeeded: () => boolean, work: () => Result | Promise<Result>): Promise<Result> {
    for (let joined = 0; isNeeded(); joined++) {
      const others = this.underWay.get(key);
      if (!others || joined === MAX_JOINED) return await this.withPlace(key, work);
      await others;
    }
    return await work();
  }

  private async withPlace<Result>(key: string, work: () => Result | Promise<Result>): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.underWay.set(key, promise);
    try {
      await this.enter();
      return await work();
    } finally {
      if (this.underWay.get(key) === promise) this.underWay.delete(key);
      // Whatever the outcome: one of the others goes on if there is no result.
      resolve();
    }
  }
}
