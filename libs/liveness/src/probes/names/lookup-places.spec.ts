import { beforeEach, describe, expect, it } from 'vitest';
import { LookupPlaces, type PlaceLimits } from './lookup-places.js';

const LIMITS: PlaceLimits = { all: 6, zone: 4, unproven: 3, unprovenInZone: 2, line: 20 };
const LONG_MS = 3_600_000;

let places: LookupPlaces;
let started: string[];

beforeEach(() => {
  places = new LookupPlaces(LIMITS);
  started = [];
});

const give = new Map<string, () => void>();
async function ask(name: string, isProven: boolean, withinMs = LONG_MS): Promise<void> {
  const giveBack = await places.take({ name, isProven }, withinMs);
  give.set(name, giveBack);
  started.push(name);
}
const settle = async () => {
  for (let n = 0; n < 10; n++) await Promise.resolve();
};

describe('The places for look-ups at a name server', () => {
  it('are not all for names of which nothing is known, and not all of those for one zone', async () => {
    for (let n = 0; n < 5; n++) void ask(`n${n}.dead.test`, false);
    for (let n = 0; n < 5; n++) void ask(`n${n}.other.test`, false);
    await settle();
    expect(started).toEqual(['n0.dead.test', 'n1.dead.test', 'n0.other.test']);
    void ask('good.test', true);
    await settle();
    expect(started.at(-1), 'a name that was answered before waits behind unanswered ones').toBe('good.test');
    expect([places.inUse, places.waiting]).toEqual([4, 7]);
  });

  it('are not all for one zone, even of names that were answered before', async () => {
    for (let n = 0; n < 6; n++) void ask(`n${n}.slow.test`, true);
    void ask('a.good.test', true);
    await settle();
    expect(started).toEqual(['n0.slow.test', 'n1.slow.test', 'n2.slow.test', 'n3.slow.test', 'a.good.test']);
  });

  it('are given in the order of those who wait', async () => {
    for (let n = 0; n < 4; n++) void ask(`n${n}.dead.test`, false);
    await settle();
    give.get('n1.dead.test')!();
    await settle();
    expect(started.at(-1)).toBe('n2.dead.test');
    // A second return of the same place gives no further one.
    give.get('n1.dead.test')!();
    await settle();
    expect([started.length, places.inUse, places.waiting]).toEqual([3, 2, 1]);
  });

  it('have a line with a bound, of which unproven names get a half', async () => {
    const refused: string[] = [];
    for (let n = 0; n < 20; n++) ask(`n${n}.dead.test`, false).catch((error: Error) => refused.push(error.message));
    await settle();
    expect([places.waiting, refused.length]).toEqual([10, 8]);
    expect(refused[0]).toMatch(/Too many look-ups/);
    for (let n = 0; n < 4; n++) void ask(`n${n}.slow.test`, true);
    await settle();
    expect([places.inUse, places.waiting], 'proven names are refused because of others').toEqual([6, 10]);
  });

  it('are not waited for any longer after the time', async () => {
    await ask('n0.dead.test', false);
    await ask('n1.dead.test', false);
    await expect(ask('n2.dead.test', false, 1)).rejects.toThrow(/in time/);
    expect(places.waiting).toBe(0);
    give.get('n0.dead.test')!();
    expect(places.inUse, 'a place was given to one that does not wait').toBe(1);
  });
});
