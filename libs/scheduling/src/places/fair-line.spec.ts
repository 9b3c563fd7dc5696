import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairLine, type Waiter } from './fair-line.js';

interface TestWaiter extends Waiter {
  readonly name: string;
}

const aWaiter = (client: string, route = 'r', isUnderWay = false): TestWaiter => ({
  name: `${client}/${route}`,
  client,
  route,
  isUnderWay,
});

/** A line whose places are all held by clients that ask for nothing else. */
function fullLine(places: number, lineMax: number) {
  const line = new FairLine<TestWaiter>({ places, lineMax });
  for (let n = 0; n < places; n++) line.ask(aWaiter(`holder-${n}`));
  return line;
}

/** Who gets the place, one after the other, until nobody waits. Each holds it until the next one gets it. */
function served(line: FairLine<TestWaiter>, holder: string): string[] {
  const names: string[] = [];
  for (let next = line.release(holder); next; next = line.release(next.client)) names.push(next.name);
  return names;
}

const repeat = (count: number, make: (n: number) => TestWaiter): TestWaiter[] =>
  Array.from({ length: count }, (_, n) => make(n));

describe('FairLine', () => {
  it('grants as many places as there are, and lets the others wait', () => {
    const line = new FairLine<TestWaiter>({ places: 2, lineMax: 1 });
    expect(['a', 'b', 'c', 'd'].map(client => line.ask(aWaiter(client)).outcome)).toEqual([
      'granted',
      'granted',
      'waiting',
      'refused',
    ]);
    expect([line.taken, line.waiting]).toEqual([2, 1]);
  });

  it('takes turns among clients, however many requests each of them has', () => {
    const line = fullLine(1, 100);
    for (const waiter of repeat(10, () => aWaiter('many'))) line.ask(waiter);
    line.ask(aWaiter('few'));
    line.ask(aWaiter('few'));
    expect(served(line, 'holder-0').slice(0, 4)).toEqual(['many/r', 'few/r', 'many/r', 'few/r']);
  });

  it('takes turns among the routes of a client', () => {
    const line = fullLine(1, 100);
    for (const route of ['x', 'x', 'x', 'y', 'z']) line.ask(aWaiter('a', route));
    expect(served(line, 'holder-0')).toEqual(['a/x', 'a/y', 'a/z', 'a/x', 'a/x']);
  });

  it('gives a client no second of two places while others wait', () => {
    const line = fullLine(2, 100);
    line.ask(aWaiter('a', '1'));
    line.ask(aWaiter('a', '2'));
    line.ask(aWaiter('b', '1'));
    line.ask(aWaiter('a', '3'));
    expect(line.release('holder-0')?.name).toBe('a/1');
    expect(line.release('holder-1')?.name).toBe('b/1');
    // When only `a` waits, the place does not stay free.
    expect(line.release('b')?.name).toBe('a/2');
  });

  it('lets a client pass whose turn is later, while the first one holds its half', () => {
    const line = new FairLine<TestWaiter>({ places: 2, lineMax: 100 });
    line.ask(aWaiter('a'));
    line.ask(aWaiter('holder'));
    line.ask(aWaiter('a', 'first'));
    line.ask(aWaiter('b', 'second'));
    expect(line.release('holder')?.name).toBe('b/second');
    expect(line.release('a')?.name).toBe('a/first');
  });

  it('makes a full line of one client give way to another client, newest first', () => {
    const line = fullLine(1, 4);
    const mine = repeat(4, n => aWaiter('a', `r${n}`));
    for (const waiter of mine) line.ask(waiter);
    expect(line.ask(aWaiter('a')).outcome).toBe('refused');
    expect(line.ask(aWaiter('b'))).toEqual({ outcome: 'waiting', evicted: mine[3] });
    expect(line.ask(aWaiter('b'))).toEqual({ outcome: 'waiting', evicted: mine[2] });
    // Both have two now: a third one of `b` would only reverse the positions.
    expect(line.ask(aWaiter('b')).outcome).toBe('refused');
    expect(line.ask(aWaiter('c'))).toMatchObject({ outcome: 'waiting', evicted: { client: 'a' } });
    expect(line.waiting).toBe(4);
  });

  it('gives a client with half of the line no more of it while others wait, although there is room', () => {
    const line = fullLine(1, 10);
    for (const waiter of repeat(6, () => aWaiter('a'))) line.ask(waiter);
    const other = aWaiter('b');
    line.ask(other);
    expect(line.ask(aWaiter('a')).outcome).toBe('refused');
    expect(line.ask(aWaiter('b')).outcome).toBe('waiting');
    expect(line.ask(aWaiter('c')).outcome).toBe('waiting');
    const alone = fullLine(1, 10);
    for (const waiter of repeat(10, () => aWaiter('a'))) expect(alone.ask(waiter).outcome).toBe('waiting');
  });

  it('refuses many clients with one request each when the line is full', () => {
    const line = fullLine(1, 3);
    for (const client of ['a', 'b', 'c']) line.ask(aWaiter(client));
    expect(line.ask(aWaiter('d')).outcome).toBe('refused');
  });

  it('never refuses or evicts work that is under way, and does not count it', () => {
    const line = fullLine(1, 2);
    const underWay = repeat(5, n => aWaiter('a', `w${n}`, true));
    for (const waiter of underWay) expect(line.ask(waiter).outcome).toBe('waiting');
    line.ask(aWaiter('a', 'n0'));
    expect(line.ask(aWaiter('a', 'n1')).outcome).toBe('waiting');
    expect(line.ask(aWaiter('b'))).toMatchObject({ outcome: 'waiting', evicted: { route: 'n1' } });
    expect(served(line, 'holder-0')).toHaveLength(7);
  });

  it('forgets who leaves', () => {
    const line = fullLine(1, 10);
    const [first, second] = repeat(2, n => aWaiter('a', `r${n}`));
    line.ask(first!);
    line.ask(second!);
    expect([line.leave(first!), line.leave(first!)]).toEqual([true, false]);
    expect(line.leave(aWaiter('b'))).toBe(false);
    expect(served(line, 'holder-0')).toEqual(['a/r1']);
    expect([line.taken, line.waiting]).toEqual([0, 0]);
  });

  it('loses no waiter and exceeds no bound, whatever happens', () => {
    const client = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('ask' as const),
        client,
        route: fc.constantFrom('x', 'y'),
        isUnderWay: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('leave' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('release' as const), pick: fc.nat() }),
    );
    const limits = fc.record({ places: fc.integer({ min: 1, max: 4 }), lineMax: fc.integer({ min: 1, max: 6 }) });
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 120 }), ({ places, lineMax }, steps) => {
        const line = new FairLine<TestWaiter>({ places, lineMax });
        const waiting: TestWaiter[] = [];
        const holding: TestWaiter[] = [];
        const drop = (from: TestWaiter[], waiter: TestWaiter) => from.splice(from.indexOf(waiter), 1);
        for (const done of steps) {
          if (done.kind === 'ask') {
            const waiter = aWaiter(done.client, done.route, done.isUnderWay);
            const admission = line.ask(waiter);
            if (admission.outcome === 'granted') holding.push(waiter);
            if (admission.outcome === 'refused') expect(done.isUnderWay).toBe(false);
            if (admission.outcome === 'waiting') {
              waiting.push(waiter);
              if (admission.evicted) drop(waiting, admission.evicted);
            }
          } else if (done.kind === 'leave' && waiting.length > 0) {
            const [waiter] = waiting.splice(done.pick % waiting.length, 1);
            expect(line.leave(waiter!)).toBe(true);
          } else if (done.kind === 'release' && holding.length > 0) {
            const [holder] = holding.splice(done.pick % holding.length, 1);
            const next = line.release(holder!.client);
            expect(next === undefined).toBe(waiting.length === 0);
            if (next) {
              drop(waiting, next);
              holding.push(next);
            }
          }
          expect([line.taken, line.waiting]).toEqual([holding.length, waiting.length]);
          expect(line.taken).toBeLessThanOrEqual(places);
          expect(waiting.length === 0 || line.taken === places, 'no place stays free while anybody waits').toBe(true);
          expect(waiting.filter(({ isUnderWay }) => !isUnderWay).length).toBeLessThanOrEqual(lineMax);
        }
      }),
    );
  });

  it('serves everybody within one turn of all others, whatever the others add', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 30 }), (clients, perClient) => {
        const line = fullLine(1, 1_000);
        for (let n = 0; n < clients; n++) {
          for (const waiter of repeat(perClient, () => aWaiter(`flood-${n}`))) line.ask(waiter);
        }
        const one = aWaiter('one');
        line.ask(one);
        let holder = 'holder-0';
        for (let turns = 0; ; turns++) {
          expect(turns).toBeLessThanOrEqual(clients);
          const next = line.release(holder)!;
          if (next === one) return;
          holder = next.client;
          line.ask(aWaiter(holder));
        }
      }),
    );
  });
});
