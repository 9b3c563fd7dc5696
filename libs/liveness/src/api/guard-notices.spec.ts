import { describe, expect, it } from 'vitest';
import { type GuardState } from '../guard/guard-state.js';
import { ActiveGuardNotices, noticeOf } from './guard-notices.js';

const STATE: GuardState = {
  active: true,
  scope: { kind: 'service', namespace: 'default', service: 'orders' },
  phase: 'holding',
  reason: 'operator',
  detail: 'Ümlaut “and” \r\n more',
  since: '2026-11-23T08:15:40.000Z',
  until: '2026-11-23T08:25:40.000Z',
  wouldExpire: 14,
  of: 20,
  limit: 1 / 3,
};

describe('The notice of a guard', () => {
  it('is a structured field with all counts', () => {
    expect(noticeOf(STATE)).toBe(
      'operator;scope="default/orders";phase=holding;since="2026-11-23T08:15:40.000Z";until="2026-11-23T08:25:40.000Z";would-expire=14;of=20;limit=0.333',
    );
  });

  it('can be sent as a header, whatever the reason of the operator is', () => {
    expect(noticeOf(STATE)).toMatch(/^[\x20-\x7e]*$/);
    expect(noticeOf({ ...STATE, scope: { kind: 'all' } })).toContain('scope="*/*"');
  });

  it('names the node whose probes fail, in characters that a header can have', () => {
    const notice = noticeOf({ ...STATE, reason: 'probe-failures', node: 'node "ä"\\' });
    expect(notice).toMatch(/^probe-failures;.*;node="node \\"[?]\\"\\\\"$/);
  });

  it('is given for a service with a guard, and for no other', () => {
    const notices = new ActiveGuardNotices(
      { of: (_, service) => (service === 'orders' ? STATE : undefined) },
      { attach: () => undefined },
    );
    expect(notices.of('default', 'orders')).toBe(noticeOf(STATE));
    expect(notices.of('default', 'mail')).toBeUndefined();
  });
});
