import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aCheck, frozen, someHealth, someOverride } from '../../../../test/support/arbitraries.js';
import { NOW, REGISTERED_AT } from '../../../../test/support/factories.js';
import { afterHeartbeat, afterReport, initialHealth, isProbed, mayHeal, statusOf } from './health-rules.js';
import { type Check, type Health, HEALTH_STATES } from './instance.js';

const HEARTBEAT: Check = { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 };
const NONE: Check = { kind: 'none', ttlSeconds: null, deregisterAfterSeconds: 900 };
const PROBED: Check = {
  kind: 'tcp',
  ttlSeconds: null,
  deregisterAfterSeconds: 900,
  intervalSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 5,
};

const health = (differing: Partial<Health>): Health => ({
  state: 'healthy',
  failures: 0,
  output: '',
  decidedBy: 'registration',
  since: REGISTERED_AT,
  ...differing,
});

const failure = { healthy: false, output: 'refused' };
const success = { healthy: true, output: 'fine' };

const failures = (count: number) => Array.from({ length: count }, () => failure);

const afterReports = (start: Health, check: Check, reports: readonly { healthy: boolean; output: string }[]): Health =>
  reports.reduce((now, report) => afterReport(now, check, report, NOW), start);

const expired = (count: number) => health({ state: 'unhealthy', failures: count, decidedBy: 'lease' });

describe('The status', () => {
  it("is the override's where there is one, else the health's state", () => {
    fc.assert(
      fc.property(someHealth, fc.option(someOverride), (judgement, override) => {
        expect(statusOf(judgement, override)).toBe(override === null ? judgement.state : override.status);
      }),
    );
  });
});

describe('Probes', () => {
  it('decide for every kind of check but heartbeat and none', () => {
    expect([HEARTBEAT, NONE, PROBED].map(isProbed)).toEqual([false, false, true]);
  });
});

describe('The health at the beginning', () => {
  it.each(HEALTH_STATES)('is %s since now, decided by the registration', state => {
    expect(initialHealth(state, NOW)).toEqual(health({ state, since: NOW }));
  });
});

describe('A failure report', () => {
  it('makes degraded first, and unhealthy at the third without a break', () => {
    const states = [1, 2, 3, 4].map(count => afterReports(health({}), HEARTBEAT, failures(count)).state);
    expect(states).toEqual(['degraded', 'degraded', 'unhealthy', 'unhealthy']);
  });

  it('takes the threshold of the check where it has one', () => {
    const states = [1, 4, 5].map(count => afterReports(health({}), PROBED, failures(count)).state);
    expect(states).toEqual(['degraded', 'degraded', 'unhealthy']);
  });

  it('counts: twenty are twenty', () => {
    const after = afterReports(health({}), HEARTBEAT, failures(20));
    expect(after).toEqual(
      health({ state: 'unhealthy', failures: 20, output: 'refused', decidedBy: 'report', since: NOW }),
    );
  });

  it('starts to count anew after a success', () => {
    const after = afterReports(health({}), HEARTBEAT, [failure, failure, success, failure]);
    expect(after).toMatchObject({ state: 'degraded', failures: 1 });
  });

  it('keeps "since" while the state stays', () => {
    const sick = health({ state: 'unhealthy', failures: 3, decidedBy: 'report' });
    expect(afterReport(sick, HEARTBEAT, failure, NOW)).toMatchObject({ failures: 4, since: REGISTERED_AT });
  });

  it('of an instance whose lease expired counts, but leaves the decision to the lease', () => {
    const byLease = expired(0);
    expect(afterReport(byLease, HEARTBEAT, failure, NOW)).toEqual({ ...byLease, failures: 1, output: 'refused' });
  });

  it.each(['degraded', 'unhealthy'] as const)('leaves what a probe found %s to the probes', state => {
    const probed = health({ state, failures: 2, decidedBy: 'probe' });
    const after = afterReports(probed, PROBED, [failure, success]);
    expect(after.state, 'a report must not end what a probe decided').not.toBe('healthy');
    expect(after.decidedBy).toBe('probe');
  });

  it('degrades what a probe found healthy', () => {
    const probed = health({ decidedBy: 'probe' });
    expect(afterReport(probed, PROBED, failure, NOW)).toMatchObject({ state: 'degraded', decidedBy: 'report' });
  });
});

describe('A success report', () => {
  it.each(['degraded', 'unhealthy'] as const)('heals %s by report at once', state => {
    const sick = health({ state, failures: 7, output: 'refused', decidedBy: 'report' });
    const healed = { state: 'healthy', failures: 0, output: 'fine', decidedBy: 'report', since: NOW };
    expect(afterReport(sick, HEARTBEAT, success, NOW)).toEqual(healed);
  });

  it.each(['starting', 'unknown'] as const)('turns %s into healthy, whatever watches', state => {
    for (const check of [HEARTBEAT, NONE]) {
      expect(afterReport(health({ state }), check, success, NOW)).toMatchObject({ state: 'healthy', since: NOW });
    }
  });

  it('changes nothing of a healthy instance', () => {
    const fine = health({});
    expect(afterReport(fine, HEARTBEAT, success, NOW)).toBe(fine);
  });

  it('does not heal what an expired lease decided, and takes back its failures only', () => {
    const byLease = expired(0);
    expect(afterReport(byLease, HEARTBEAT, success, NOW)).toBe(byLease);
    const failing = { ...byLease, failures: 4, output: 'refused' };
    expect(afterReport(failing, HEARTBEAT, success, NOW)).toEqual({ ...byLease, failures: 0, output: 'fine' });
  });

  it('does not heal what a probe decided', () => {
    const probed = health({ state: 'unhealthy', failures: 3, decidedBy: 'probe' });
    expect(afterReport(probed, PROBED, success, NOW)).toBe(probed);
  });
});

describe('A heartbeat', () => {
  it('heals what an expired lease decided', () => {
    for (const check of [HEARTBEAT, NONE, PROBED]) {
      const healed = afterHeartbeat(health({ state: 'unhealthy', decidedBy: 'lease' }), check, NOW);
      expect(healed).toEqual(health({ decidedBy: 'heartbeat', since: NOW }));
    }
  });

  it('gives the word back to the failures that were reported before the lease expired', () => {
    expect(afterHeartbeat(expired(1), HEARTBEAT, NOW)).toMatchObject({
      state: 'degraded',
      failures: 1,
      decidedBy: 'report',
      since: NOW,
    });
    expect(afterHeartbeat(expired(3), HEARTBEAT, NOW)).toMatchObject({
      state: 'unhealthy',
      failures: 3,
      decidedBy: 'report',
      since: REGISTERED_AT,
    });
  });

  it.each(['degraded', 'unhealthy'] as const)('does not heal what a report or probe found %s', state => {
    for (const decidedBy of ['report', 'probe'] as const) {
      const sick = health({ state, failures: 3, decidedBy });
      expect(afterHeartbeat(sick, HEARTBEAT, NOW)).toBe(sick);
    }
  });

  it.each(['starting', 'unknown'] as const)('turns %s into healthy, unless probes decide or nobody watches', state => {
    const waiting = health({ state });
    expect(afterHeartbeat(waiting, HEARTBEAT, NOW)).toEqual(health({ decidedBy: 'heartbeat', since: NOW }));
    expect(afterHeartbeat(waiting, NONE, NOW)).toBe(waiting);
    expect(afterHeartbeat(waiting, PROBED, NOW)).toBe(waiting);
  });

  it('changes nothing of a healthy instance', () => {
    const fine = health({});
    expect(afterHeartbeat(fine, HEARTBEAT, NOW)).toBe(fine);
  });
});

describe('Every judgement', () => {
  const someReport = fc.record({ healthy: fc.boolean(), output: fc.constantFrom('', 'x') });

  it('leaves its arguments as they are, and moves "since" exactly with the state', () => {
    fc.assert(
      fc.property(someHealth, aCheck, fc.option(someReport), (before, check, report) => {
        frozen(before);
        const after = report ? afterReport(before, check, report, NOW) : afterHeartbeat(before, check, NOW);
        expect(after.since).toBe(after.state === before.state ? before.since : NOW);
        expect(after.failures).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('of a heartbeat is foretold by mayHeal, and heals at most once', () => {
    fc.assert(
      fc.property(someHealth, aCheck, (before, check) => {
        const after = afterHeartbeat(before, check, NOW);
        expect(mayHeal({ health: before, check })).toBe(after !== before);
        expect(mayHeal({ health: after, check })).toBe(false);
      }),
    );
  });

  it('of a second heartbeat is that of the first', () => {
    fc.assert(
      fc.property(someHealth, aCheck, (before, check) => {
        const once = afterHeartbeat(before, check, NOW);
        expect(afterHeartbeat(once, check, NOW)).toBe(once);
      }),
    );
  });

  it('of a second success report is that of the first', () => {
    fc.assert(
      fc.property(someHealth, aCheck, (before, check) => {
        const once = afterReport(before, check, success, NOW);
        expect(afterReport(once, check, success, NOW)).toBe(once);
      }),
    );
  });
});
