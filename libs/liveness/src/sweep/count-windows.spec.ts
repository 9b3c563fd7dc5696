import { describe, expect, it } from 'vitest';
import { SMALL_RULES } from '../../../../test/support/catalog/sweeping-node.js';
import { ALL, type GuardState } from '../guard/guard-state.js';
import { countWindows } from './count-windows.js';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();

const guard = (
  scope: GuardState['scope'],
  since: number,
  reason: GuardState['reason'] = 'service-share',
): GuardState => ({
  active: true,
  scope,
  phase: 'holding',
  reason,
  detail: null,
  since: at(since),
  until: at(since + 600),
  wouldExpire: 14,
  of: 20,
  limit: 0.3,
});
const ORDERS = { kind: 'service', namespace: 'default', service: 'orders' } as const;

describe('The windows', () => {
  it('cover the last time, and begin before an active guard', () => {
    const { since, sinceOfAll, by, earliest } = countWindows(
      at(600),
      [guard(ORDERS, 300), guard(ALL, 200)],
      SMALL_RULES,
    );
    expect([since, sinceOfAll, earliest]).toEqual([at(540), at(140), at(140)]);
    expect([by.service('default', 'orders'), by.service('default', 'pay')]).toEqual([at(240), at(540)]);
  });

  it.each(['store-away', 'node-stalled'] as const)('ignore guards that begin in the future, and %s', reason => {
    const states = [guard(ORDERS, 3_600), guard(ALL, 100, reason)];
    const { sinceOfAll, anchors, by } = countWindows(at(600), states, SMALL_RULES);
    expect([sinceOfAll, by.service('default', 'orders'), anchors]).toEqual([at(540), at(540), []]);
  });
});
