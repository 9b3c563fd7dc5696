import { describe, expect, it } from 'vitest';
import { mix } from '../data/mix.js';
import { judgeSoak } from './judge-soak.js';
import { countWrong } from './judge-watchers.js';
import { lineThrough } from './line.js';
import { type NodeSample, type SoakFindings, type SoakSample } from './soak-report.js';

const RIGHT: SoakFindings = { chainValid: true, wrongWatchers: 0, ended: 0, errors: {} };
const EVERY_SECONDS = 10;

const aNode = (differing: Partial<NodeSample> = {}): NodeSample => ({
  rssMiB: 300,
  heapMiB: 150,
  eventLoopP99Ms: 12,
  writeQueue: 0,
  renewalsWaiting: 100,
  watchBacklogKiB: 0,
  connections: 9,
  lag: 0,
  ...differing,
});

/** Between -1 and 1, and no trend in it. */
const noise = (n: number) => (mix(n, 1) % 2_001) / 1_000 - 1;

/** Half an hour. */
const samples = (nodeAt: (n: number) => Partial<NodeSample>, leaseMiB = (_n: number) => 4): SoakSample[] =>
  Array.from({ length: 180 }, (_, n) => ({
    second: n * EVERY_SECONDS,
    nodes: [aNode(), aNode(nodeAt(n))],
    tables: { instance_lease: { MiB: leaseMiB(n), deadRows: 100 } },
    postgresConnections: 20,
    revision: n,
  }));

const missed = (taken: readonly SoakSample[], findings = RIGHT) =>
  judgeSoak(taken, findings)
    .filter(({ met }) => !met)
    .map(({ what }) => what);

/** A node whose figures move, and go nowhere. */
const restless = (n: number) => ({
  rssMiB: 300 + 20 * noise(n),
  renewalsWaiting: Math.max(0, 200 + 150 * noise(n + 7)),
  eventLoopP99Ms: 12 + 3 * noise(n + 9),
});

const leaking = (n: number) => ({ rssMiB: 300 + (60 * n * EVERY_SECONDS) / 3_600 + 5 * noise(n) });

const revisionsOf = (_: string, service: string) => (service === 'a' ? [3, 5, 9] : []);

const told = (since: number, revisions: number[], service = 'a') =>
  countWrong([{ namespace: 'default', service, since, told: revisions }], revisionsOf);

describe('a line through points', () => {
  it('has the slope that they have, and tells how sure that is', () => {
    const exact = lineThrough([0, 1, 2, 3].map(x => [x, 5 - 2 * x]));
    expect(exact.slope).toBeCloseTo(-2);
    expect(exact.error).toBeCloseTo(0);
    const noisy = lineThrough(Array.from({ length: 200 }, (_, x) => [x, 3 * x + 10 * noise(x)]));
    expect(Math.abs(noisy.slope - 3)).toBeLessThan(3 * noisy.error);
    expect(noisy.error).toBeGreaterThan(0);
  });

  it('is none of two points, since two never contradict', () => {
    expect(lineThrough([0, 1].map(x => [x, x])).slope).toBeNaN();
  });
});

describe('a soak', () => {
  it('is borne for ever when nothing rises but noise', () => {
    expect(missed(samples(restless))).toEqual([]);
  });

  it('may warm up: what rises in the first third alone does not count', () => {
    expect(missed(samples(n => ({ rssMiB: Math.min(400, 200 + 4 * n) })))).toEqual([]);
  });

  it('betrays a leak of 60 MiB an hour under the noise of a collector', () => {
    expect(missed(samples(leaking))).toEqual(['memory of node 2 stays']);
  });

  it.each(['writeQueue', 'renewalsWaiting', 'watchBacklogKiB', 'lag', 'connections', 'eventLoopP99Ms'] as const)(
    'betrays %s that grows',
    figure => {
      expect(missed(samples(n => ({ [figure]: n * 0.5 + 5 * noise(n) + 5 })))).toEqual([`${figure} does not grow`]);
    },
  );

  it('betrays a table that is changed in place and grows all the same', () => {
    const bloating = samples(
      () => ({}),
      n => 4 + n * 0.1,
    );
    expect(missed(bloating)).toEqual(['instance_lease does not bloat']);
  });

  it('is wrong with any error, missed event, ended lease or broken chain, however fast it was', () => {
    const wrong = { chainValid: false, wrongWatchers: 1, ended: 1, errors: { 'heartbeats: no answer': 1 } };
    expect(
      missed(
        samples(() => ({})),
        wrong,
      ),
    ).toHaveLength(4);
  });
});

describe('what watchers were told', () => {
  it('is all that came after the snapshot, once and in order', () => {
    expect([told(0, [3, 5, 9]), told(3, [5, 9]), told(9, []), told(4, [], 'b')]).toEqual([0, 0, 0, 0]);
    expect([
      told(0, [3, 9]),
      told(0, [3, 5, 5, 9]),
      told(0, [5, 3, 9]),
      told(0, [3, 5, 9, 11]),
      told(3, [3, 5, 9]),
    ]).toEqual([1, 1, 1, 1, 1]);
  });
});
