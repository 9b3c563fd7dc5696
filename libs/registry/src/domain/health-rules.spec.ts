import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Check, type Health, type ProbedCheck } from '@coordination/catalog';
import { HEALTH_STATES } from '@coordination/catalog/testing';
import { aCheck, frozen, someHealth, someOverride } from '../../../../test/support/laws/arbitraries.js';
import { NOW, REGISTERED_AT } from '../../../../test/support/catalog/factories.js';
import { afterHeartbeat, afterProbe, afterReport, initialHealth, isProbed, mayHeal, statusOf } from './health-rules.js';

const HEARTBEAT: Check = { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 };
const NONE: Check = { kind: 'none', ttlSeconds: null, deregisterAfterSeconds: 900 };
const PROBED: ProbedCheck = {
  kind: 'tcp',
  ttlSeconds: null,
  deregisterAfterSeconds: 900,
  intervalSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 5,
  successThreshold: 1,
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

const found = (healthy: boolean, inARow: number) => ({ healthy, inARow, output: healthy ? 'fine' : 'refused' });

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

  it('leaves what probes had found before the lease expired to the probes', () => {
    const before = { ...expired(1), output: 'refused' };
    const after = afterHeartbeat(before, PROBED, NOW);
    expect(after).toMatchObject({ state: 'degraded', decidedBy: 'probe' });
    expect(afterProbe(after, PROBED, found(true, 1), NOW).state, 'it could never be healed').toBe('healthy');
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

describe('A probe', () => {
  const check = { ...PROBED, failureThreshold: 3, successThreshold: 2 };

  it('that fails degrades what is healthy, and makes unhealthy at the threshold', () => {
    const once = afterProbe(health({}), check, found(false, 1), NOW);
    expect(once).toEqual(health({ state: 'degraded', failures: 1, output: 'refused', decidedBy: 'probe', since: NOW }));
    expect(afterProbe(once, check, found(false, 2), NOW)).toBe(once);
    expect(afterProbe(once, check, found(false, 3), NOW)).toMatchObject({ state: 'unhealthy', failures: 3 });
  });

  it('that fails makes unhealthy at once where one failure is enough', () => {
    expect(afterProbe(health({}), { ...check, failureThreshold: 1 }, found(false, 1), NOW).state).toBe('unhealthy');
  });

  it('that fails does not make known what was never healthy: it would be given out to callers as degraded', () => {
    const fresh = health({ state: 'unknown' });
    expect(afterProbe(fresh, check, found(false, 1), NOW)).toBe(fresh);
    expect(afterProbe(fresh, check, found(false, 3), NOW).state).toBe('unhealthy');
  });

  it.each(['unknown', 'starting', 'degraded', 'unhealthy'] as const)(
    'that succeeds heals %s at the threshold',
    state => {
      const ill = health({ state, failures: 3, decidedBy: 'probe' });
      expect(afterProbe(ill, check, found(true, 1), NOW)).toBe(ill);
      const healed = health({ output: 'fine', decidedBy: 'probe', since: NOW });
      expect(afterProbe(ill, check, found(true, 2), NOW)).toEqual(healed);
    },
  );

  it('does not end what an expired lease decided, either way', () => {
    for (const verdict of [found(true, 9), found(false, 9)]) {
      expect(afterProbe(expired(0), check, verdict, NOW)).toEqual(expired(0));
    }
  });

  it('does not heal what a report found ill, but may find it worse', () => {
    const ill = health({ state: 'degraded', failures: 1, decidedBy: 'report' });
    expect(afterProbe(ill, check, found(true, 9), NOW)).toBe(ill);
    const worse = afterProbe(ill, check, found(false, 3), NOW);
    expect(worse).toMatchObject({ state: 'unhealthy', decidedBy: 'report' });
    expect(afterReport(worse, check, success, NOW).state).toBe('healthy');
  });

  it('finds again at once what a report has healed too early', () => {
    const healed = health({ decidedBy: 'report' });
    expect(afterProbe(healed, check, found(false, 7), NOW)).toMatchObject({ state: 'unhealthy', decidedBy: 'probe' });
  });

  it('makes no more changes than the thresholds allow, however an instance flaps', () => {
    const thresholds = fc.record({
      failureThreshold: fc.integer({ min: 1, max: 4 }),
      successThreshold: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), thresholds, (results, terms) => {
        let [judgement, inARow, last] = [health({ state: 'unknown' }), 0, undefined as boolean | undefined];
        let [changes, successRuns, failureRuns, firstFailures] = [0, 0, 0, 0];
        for (const healthy of results) {
          inARow = healthy === last ? inARow + 1 : 1;
          last = healthy;
          const after = afterProbe(judgement, { ...check, ...terms }, found(healthy, inARow), NOW);
          if (after !== judgement) expect(after.state, 'a change that changes nothing').not.toBe(judgement.state);
          changes += after === judgement ? 0 : 1;
          successRuns += healthy && inARow === terms.successThreshold ? 1 : 0;
          failureRuns += !healthy && inARow === terms.failureThreshold ? 1 : 0;
          firstFailures += !healthy && inARow === 1 && judgement.state === 'healthy' ? 1 : 0;
          judgement = after;
        }
        expect(changes).toBeLessThanOrEqual(successRuns + failureRuns + firstFailures);
      }),
    );
  });

  it('that repeats what was found changes nothing', () => {
    fc.assert(
      fc.property(someHealth, fc.boolean(), fc.integer({ min: 1, max: 9 }), (before, healthy, inARow) => {
        const once = afterProbe(frozen(before), check, found(healthy, inARow), NOW);
        expect(afterProbe(once, check, found(healthy, inARow), NOW)).toBe(once);
        expect(once.since).toBe(once.state === before.state ? before.since : NOW);
      }),
    );
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
