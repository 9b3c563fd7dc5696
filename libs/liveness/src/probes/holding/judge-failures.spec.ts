import { describe, expect, it } from 'vitest';
import { ALL, type GuardOverride, type GuardState } from '../../guard/guard-state.js';
import { type FailureSituation, judgeFailures, type PendingFailure } from './judge-failures.js';
import { scaledRules } from './probe-guard-rules.js';

const RULES = {
  serviceShare: 0.3,
  minInstances: 10,
  totalShare: 0.15,
  totalMinInstances: 50,
  windowMs: 60_000,
  maxMs: 600_000,
  releasePerSecond: 10,
};
const NOW = '2026-11-28T08:00:00.000Z';
const at = (ms: number) => new Date(Date.parse(NOW) + ms).toISOString();

const failure = (n: number, differing: Partial<PendingFailure> = {}): PendingFailure => ({
  id: `o${n}`,
  namespace: 'default',
  service: 'orders',
  isSettled: true,
  looksNeeded: 3,
  ...differing,
});
const failures = (count: number): PendingFailure[] => Array.from({ length: count }, (_, n) => failure(n));

/** Of twenty instances of one service, all failures that wait began within the window. */
function judge({ pending = failures(10), ...situation }: Partial<FailureSituation> & { expired?: number } = {}) {
  const expired = situation.expired ?? pending.length;
  const count = { of: 20, expired, pending: pending.length };
  return judgeFailures({
    now: NOW,
    rules: RULES,
    node: 'node-a',
    states: [],
    overrides: [],
    counts: () => ({
      total: count,
      services: [{ namespace: 'default', service: 'orders', ...count, expiredInTotalWindow: expired }],
      inGrace: 0,
      inGraceUntil: null,
      inStallGrace: 0,
      inStallGraceUntil: null,
    }),
    pending,
    looks: new Map(),
    released: 2,
    ...situation,
  });
}

const ids = (due: readonly { readonly id: string }[]) => due.map(({ id }) => id);
const looks = (ofIds: readonly string[], count: number) =>
  new Map(ofIds.map(id => [id, { id, by: 'node-b', failures: count }]));

const HELD: GuardState = {
  active: true,
  scope: { kind: 'service', namespace: 'default', service: 'orders' },
  phase: 'holding',
  reason: 'probe-failures',
  detail: null,
  since: at(-10_000),
  until: at(590_000),
  wouldExpire: 10,
  of: 20,
  limit: 0.3,
  node: 'node-a',
};
const override = (kind: 'force' | 'end', scope: GuardOverride['scope'] = HELD.scope): GuardOverride => ({
  scope,
  kind,
  orderedAt: at(-1_000),
  until: at(60_000),
  reason: null,
  orderedBy: 'ops',
});

describe('Failures of probes', () => {
  it('count when only few begin together', () => {
    const { states, due, ask } = judge({ pending: failures(6) });
    expect([states, ids(due), ask]).toEqual([[], ['o0', 'o1', 'o2', 'o3', 'o4', 'o5'], []]);
  });

  it('do not count before others that begin at the same time could be seen', () => {
    expect(judge({ pending: [failure(0, { isSettled: false })] }).due).toEqual([]);
  });

  it('are held when more than the share begin together, and another node is asked to look', () => {
    const { states, due, ask } = judge();
    expect(states).toEqual([{ ...HELD, since: NOW, until: at(600_000) }]);
    expect(due, 'a failure counts that this node alone sees').toEqual([]);
    expect(ask).toHaveLength(10);
  });

  it('count as soon as another node has seen them often enough, and those alone', () => {
    const seen = new Map([...looks(['o1', 'o2'], 3), ...looks(['o3'], 2), ...looks(['o4'], 0)]);
    const { due, ask } = judge({ states: [HELD], looks: seen });
    expect(due).toEqual([
      { id: 'o1', confirmedBy: 'node-b' },
      { id: 'o2', confirmedBy: 'node-b' },
    ]);
    expect(ask).toEqual(['o0', 'o3', 'o4', 'o5', 'o6', 'o7', 'o8', 'o9']);
  });

  it('are released at the bounded rate after the longest time, without another node', () => {
    const over = { ...HELD, until: at(-1) };
    const { states, due } = judge({ states: [over] });
    expect(states).toEqual([{ ...over, phase: 'releasing' }]);
    expect(ids(due)).toEqual(['o0', 'o1']);
  });

  it('are held for as long as another node sees an instance succeed', () => {
    const over = { ...HELD, until: at(-1), phase: 'releasing' as const };
    const { states, due } = judge({ states: [over], looks: looks(['o0'], 0) });
    expect(states).toMatchObject([{ phase: 'holding', since: HELD.since, until: at(60_000) }]);
    expect(due, 'one of them counts although another node disagrees').toEqual([]);
  });

  it('are no longer held when so many succeed again that the share is kept, and count if they fail once more', () => {
    const { states, due, renew } = judge({ states: [HELD], pending: failures(2), expired: 6 });
    expect([states, renew]).toEqual([[], ['o0', 'o1']]);
    expect(due, 'instances count as failed that were not probed since the others succeed again').toEqual([]);
  });

  it('of which the look of another node says the opposite do not count while the guard is active', () => {
    const { due } = judge({ states: [{ ...HELD, until: at(-1) }], looks: looks(['o0', 'o1', 'o2'], 0) });
    expect(due).toEqual([]);
  });

  it('count at once when an operator ends the guard of the service, or of all', () => {
    for (const ended of [override('end'), override('end', ALL)]) {
      const { states, due, ask } = judge({ states: [HELD], overrides: [ended], looks: looks(['o0'], 0) });
      expect([states, due.length, ask]).toEqual([[], 10, []]);
    }
  });

  it('do not count while an operator forces a guard, whatever another node sees', () => {
    for (const forced of [override('force'), override('force', ALL)]) {
      const { states, due, ask } = judge({ pending: failures(1), overrides: [forced], looks: looks(['o0'], 9) });
      expect([states, due, ask], 'it is shown twice, or not held').toEqual([[], [], []]);
    }
  });
});

describe('The rules for a node', () => {
  it.each([
    [1, 10, 50],
    [2, 5, 25],
    [3, 4, 17],
    [20, 2, 3],
  ])('among %d need %d instances of a service, and %d in total', (nodes, minInstances, totalMinInstances) => {
    expect(scaledRules(RULES, nodes)).toEqual({ ...RULES, minInstances, totalMinInstances });
  });

  it('need no more than the settings say', () => {
    expect(scaledRules({ ...RULES, minInstances: 1 }, 5).minInstances).toBe(1);
  });
});
