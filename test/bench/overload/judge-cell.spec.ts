import { describe, expect, it } from 'vitest';
import { failuresOf, judgeCell } from './judge-cell.js';
import { type Answers, type CellResult, type LaneResult, type LeaseFindings, type ProbeSummary } from './report.js';

const lane = (p99: number, answers: Answers = { 204: 100 }): LaneResult => ({
  count: 100,
  waiting: 0,
  p50: 1,
  p99,
  max: p99,
  answers,
});

const LEASES: LeaseFindings = { deadLate: 2_000, deadOpen: 0, lost: 0, ended: 0, guards: {}, roleMoves: 0 };

interface Differing {
  readonly lanes?: Partial<ProbeSummary['lanes']>;
  readonly leases?: Partial<LeaseFindings>;
  readonly readers?: Answers;
  readonly kindsAtOnce?: number;
  readonly budgetMiB?: number;
}

/** A cell that meets everything, but for what differs. */
function cell({ lanes, leases, readers, kindsAtOnce = 1, budgetMiB }: Differing = {}): Omit<CellResult, 'verdicts'> {
  return {
    name: 'large',
    callers: 10,
    kindsAtOnce,
    probes: { lanes: { kept: lane(100), new: lane(100), ready: lane(100, { 200: 20 }), ...lanes }, ownDelay: 1 },
    readers: [{ kind: 'large', callers: 10, answers: readers ?? { 200: 5 }, waiting: 3, p50: 1, p99: 1, bytes: 1 }],
    leases: { ...LEASES, ...leases },
    rssMiB: 500,
    ...(budgetMiB !== undefined && { budgetMiB }),
    longestTurnMs: 5,
    cpu: { service: 1, postgres: 1 },
  };
}

const missedOf = (differing: Differing): string[] =>
  judgeCell(cell(differing))
    .filter(({ met }) => !met)
    .map(({ what }) => what);

const failsBy = (differing: Differing): string[] => {
  const judged = { ...cell(differing), verdicts: judgeCell(cell(differing)) };
  const rest = { kind: 'overload', at: '', machine: '', database: '', loadBefore: 0, scenarios: [] } as const;
  const options = { kinds: [], callers: [], seconds: 1, instances: 1, services: 1, large: 1, scenarios: [] };
  return failuresOf({ ...rest, options, quiet: { ...judged, verdicts: [] }, cells: [judged] });
};

describe('a cell of the overload', () => {
  it('meets all targets when all is at its limit', () => {
    expect(missedOf({ budgetMiB: 500 })).toEqual([]);
    expect(failsBy({ budgetMiB: 500 })).toEqual([]);
  });

  it.each<[string, Differing, string]>([
    ['a lane that is slow', { lanes: { new: lane(101) } }, 'p99 of heartbeats on new connections ≤ 100 ms'],
    [
      'a lane of which nothing is known',
      { lanes: { ready: lane(Number.NaN, { 200: 1 }) } },
      'p99 of /health/ready ≤ 100 ms',
    ],
    [
      'a heartbeat that is refused',
      { lanes: { kept: lane(9, { 204: 9, '503 OVERLOADED': 1 }) } },
      'no heartbeat refused',
    ],
    ['a heartbeat that is reset', { lanes: { kept: lane(9, { 204: 9, ECONNRESET: 1 }) } }, 'no heartbeat refused'],
    ['a node that becomes unready', { lanes: { ready: lane(9, { 200: 9, 503: 1 }) } }, '/health/ready always 200'],
    [
      'an instance that dies too late',
      { leases: { deadLate: 3_001 } },
      'dead instances unhealthy within 3 s of the end of their lease',
    ],
    [
      'an instance that has not died yet',
      { leases: { deadOpen: 1 } },
      'dead instances unhealthy within 3 s of the end of their lease',
    ],
    ['a role that moves', { leases: { roleMoves: 1 } }, 'no role moves'],
    ['too much memory', { budgetMiB: 499 }, 'memory within the budget'],
  ])('misses a target by %s, which does not fail the run', (_, differing, what) => {
    expect(missedOf(differing)).toEqual([what]);
    expect(failsBy(differing)).toEqual([]);
  });

  it.each<[string, Differing, string]>([
    ['a renewal that is lost', { leases: { lost: 2 } }, 'overload, large × 10: renewals lost: 2'],
    ['an instance that renewed and was ended', { leases: { ended: 1 } }, 'instances ended that renewed: 1'],
    ['a guard', { leases: { guards: { 'store-away': 1 } } }, 'guards began: 1 × store-away'],
    ['a reader that is told of the store', { readers: { '503 STORE_UNAVAILABLE': 4 } }, 'STORE_UNAVAILABLE: 4'],
    [
      'a probe that is told of the store',
      { lanes: { new: lane(9, { '503 STORE_UNAVAILABLE': 1 }) } },
      'STORE_UNAVAILABLE: 1',
    ],
  ])('fails the run by %s', (_, differing, failure) => {
    expect(failsBy(differing)).toEqual([expect.stringContaining(failure)]);
  });

  it('refuses readers with OVERLOADED as it should, and lets them wait', () => {
    expect(missedOf({ readers: { '503 OVERLOADED': 1_000 } })).toEqual([]);
  });

  it('counts a heartbeat without an answer by its age, and not as refused', () => {
    expect(missedOf({ lanes: { kept: lane(50, { 204: 9, none: 1, 'given up': 1 }) } })).toEqual([]);
  });

  it('may take twice as long beside several kinds at once', () => {
    const lanes = { kept: lane(200), new: lane(201), ready: lane(200, { 200: 1 }) };
    expect(missedOf({ kindsAtOnce: 5, lanes })).toEqual(['p99 of heartbeats on new connections ≤ 200 ms']);
  });

  it('judges no memory of a service that has no budget, and no deaths where none died', () => {
    expect(missedOf({})).toEqual([]);
    expect(missedOf({ leases: { deadLate: Number.NaN } })).toEqual([]);
  });
});
