import { type RequestPlaces } from '@coordination/http';
import { OverloadedError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { MemoryPlaces } from './memory-places.js';

/** Places that are granted, or refused, when the test says so. */
function placesOf() {
  const asked: PromiseWithResolvers<void>[] = [];
  const requests = {
    enter: () => {
      const request = Promise.withResolvers<void>();
      asked.push(request);
      return request.promise;
    },
  };
  return { asked, places: new MemoryPlaces(requests as unknown as RequestPlaces) };
}

/** Lets everything run that does not wait for the test. */
const settled = () => new Promise<void>(resolve => void setImmediate(resolve));

describe('MemoryPlaces', () => {
  it('give one place to any number of requests for the same result, however many may wait', async () => {
    const { asked, places } = placesOf();
    let made = 0;
    const read = () =>
      places.once(
        'list',
        () => made === 0,
        () => (made ||= 1),
      );
    const reads = Array.from({ length: 1_000 }, read);
    const other = places.once(
      'other',
      () => true,
      () => 'other',
    );
    await settled();
    expect(asked).toHaveLength(2);
    for (const { resolve } of asked) resolve();
    expect(new Set(await Promise.all(reads))).toEqual(new Set([1]));
    expect(await other).toBe('other');
    expect(await read()).toBe(1);
    expect(asked, 'what is cached needs no place').toHaveLength(2);
  });

  it('let another request make the result if the first one was refused or failed', async () => {
    const { asked, places } = placesOf();
    let made = false;
    let isBroken = true;
    const read = () =>
      places.once(
        'list',
        () => !made,
        () => {
          if (isBroken) throw new TypeError('broken');
          return (made = true);
        },
      );
    const reads = [read(), read(), read(), read()].map(one => one.catch((error: unknown) => error));
    await settled();
    asked[0]!.reject(new OverloadedError(1));
    await settled();
    expect(asked).toHaveLength(2);
    asked[1]!.resolve();
    await settled();
    expect(asked).toHaveLength(3);
    isBroken = false;
    asked[2]!.resolve();
    const results = await Promise.all(reads);
    expect(results[0]).toBeInstanceOf(OverloadedError);
    expect(results[1]).toBeInstanceOf(TypeError);
    expect(results.slice(2)).toEqual([true, true]);
  });

  it('do not let a request wait for others for ever when the result is out of date each time', async () => {
    const { asked, places } = placesOf();
    let works = 0;
    const read = () =>
      places.once(
        'list',
        () => true,
        () => (works += 1),
      );
    const reads = Array.from({ length: 5 }, read);
    for (let granted = 0; granted < reads.length; granted++) {
      await settled();
      asked[granted]?.resolve();
    }
    await settled();
    for (const { resolve } of asked) resolve();
    await Promise.all(reads);
    expect(works).toBe(5);
  });
});
