import { OverloadedError, systemClock } from '@coordination/kernel';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Place, type PlaceCaller, WorkPlaces } from './work-places.js';

const WAIT_MS = 5_000;

const A: PlaceCaller = { client: 'a', route: 'r' };
const B: PlaceCaller = { client: 'b', route: 'r' };

/** Places of one kind, with room for two in the line. */
const smallPlaces = (random = () => 0) =>
  new WorkPlaces(systemClock, { long: { places: 1, lineMax: 2, waitMs: WAIT_MS } }, random);

const refusalOf = (entering: Promise<Place>): Promise<unknown> =>
  entering.then(
    () => undefined,
    (error: unknown) => error,
  );

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('WorkPlaces', () => {
  it('hands a place on when it is released, once', async () => {
    const places = smallPlaces();
    const first = await places.enter('long', A);
    const second = places.enter('long', A);
    const third = places.enter('long', B);
    expect(places.use().long).toMatchObject({ places: 1, taken: 1, waiting: 2 });
    first.release();
    first.release();
    const held = await second;
    expect(places.use().long).toMatchObject({ taken: 1, waiting: 1 });
    held.release();
    (await third).release();
    expect(places.use().long).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('has places of their own for each kind', async () => {
    const places = smallPlaces();
    await places.enter('long', A);
    await places.enter('database', A);
    await places.enter('memory', A);
    await places.enter('body', A);
    const { database, memory, long, body } = places.use();
    expect([database, memory, long, body].map(({ taken }) => taken)).toEqual([1, 1, 1, 1]);
  });

  it('refuses beyond the line, with a Retry-After that is random in a range', async () => {
    for (const [random, seconds] of [
      [0, 1],
      [0.999, 3],
    ] as const) {
      const places = smallPlaces(() => random);
      await places.enter('long', A);
      void places.enter('long', A);
      void places.enter('long', A);
      const error = await refusalOf(places.enter('long', A));
      expect(error).toBeInstanceOf(OverloadedError);
      expect((error as OverloadedError).extras.retryAfterSeconds).toBe(seconds);
      expect(places.use().long.refused).toEqual({ line_full: 1, waited_too_long: 0 });
    }
  });

  it('refuses the newest of a full line for another address', async () => {
    const places = smallPlaces();
    await places.enter('long', A);
    void places.enter('long', A);
    const newest = refusalOf(places.enter('long', A));
    void places.enter('long', B);
    expect(await newest).toBeInstanceOf(OverloadedError);
    expect(places.use().long).toMatchObject({ waiting: 2, refused: { line_full: 1 } });
  });

  it('refuses those that waited too long, but not work that is under way', async () => {
    const places = smallPlaces();
    const first = await places.enter('long', A);
    const late = refusalOf(places.enter('long', B));
    const underWay = places.enter('long', { ...A, isUnderWay: true });
    await vi.advanceTimersByTimeAsync(WAIT_MS);
    expect(await late).toBeInstanceOf(OverloadedError);
    expect(places.use().long).toMatchObject({ taken: 1, waiting: 1, refused: { waited_too_long: 1 } });
    await vi.advanceTimersByTimeAsync(10 * WAIT_MS);
    first.release();
    (await underWay).release();
    expect(places.use().long).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('forgets a caller that is gone, and passes its turn on', async () => {
    const places = smallPlaces();
    const first = await places.enter('long', A);
    const gone = new AbortController();
    const left = refusalOf(places.enter('long', { ...A, signal: gone.signal }));
    const next = places.enter('long', B);
    gone.abort(new Error('gone'));
    expect(await left).toMatchObject({ message: 'gone' });
    expect(places.use().long).toMatchObject({ taken: 1, waiting: 1, refused: { line_full: 0, waited_too_long: 0 } });
    first.release();
    await next;
    expect(await refusalOf(places.enter('long', { ...A, signal: gone.signal }))).toMatchObject({ message: 'gone' });
    expect(places.use().long).toMatchObject({ taken: 1, waiting: 0 });
  });

  it('keeps a place that was granted at the moment when the caller left, until it is released', async () => {
    const places = smallPlaces();
    const first = await places.enter('long', A);
    const gone = new AbortController();
    const entering = places.enter('long', { ...B, signal: gone.signal });
    first.release();
    gone.abort();
    const place = await entering;
    expect(places.use().long).toMatchObject({ taken: 1, waiting: 0 });
    place.release();
    expect(places.use().long).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('loses no place, whatever callers do', async () => {
    const step = fc.record({
      client: fc.constantFrom('a', 'b', 'c'),
      isUnderWay: fc.boolean(),
      leaves: fc.boolean(),
      releasesTwice: fc.boolean(),
      waitsMs: fc.integer({ min: 0, max: 2 * WAIT_MS }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async steps => {
        const places = smallPlaces();
        const outcomes: string[] = [];
        let atOnce = 0;
        for (const { client, isUnderWay, leaves, releasesTwice, waitsMs } of steps) {
          const gone = new AbortController();
          const workIn = async () => {
            const place = await places.enter('long', { client, route: 'r', signal: gone.signal, isUnderWay });
            expect((atOnce += 1)).toBe(1);
            await new Promise(resolve => void setTimeout(resolve, waitsMs));
            atOnce -= 1;
            place.release();
            if (releasesTwice) place.release();
          };
          workIn().then(
            () => outcomes.push('worked'),
            (error: Error) => outcomes.push(error.message),
          );
          if (leaves) gone.abort();
          await vi.advanceTimersByTimeAsync(waitsMs / 4);
        }
        await vi.advanceTimersByTimeAsync(100 * WAIT_MS);
        expect(outcomes).toHaveLength(steps.length);
        expect(outcomes.filter(outcome => outcome.startsWith('expected'))).toEqual([]);
        expect(places.use().long).toMatchObject({ taken: 0, waiting: 0 });
      }),
    );
  });

  it('reports how long each waited', async () => {
    const places = smallPlaces();
    const waited: [string, number][] = [];
    places.onEntered = (kind, seconds) => waited.push([kind, seconds]);
    const first = await places.enter('long', A);
    const second = places.enter('long', A);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(places.use().long.longestWaitSeconds).toBe(2);
    first.release();
    await second;
    expect(waited).toEqual([
      ['long', 0],
      ['long', 2],
    ]);
    expect(places.use().long.longestWaitSeconds).toBe(0);
  });
});
