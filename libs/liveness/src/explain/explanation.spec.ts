import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type Command } from '@coordination/registry';
import { type LeaseAllowance, type LeasedInstance, type Override } from '@coordination/catalog';
import { someLeasedInstance } from '../../../../test/support/laws/arbitraries.js';
import { aLeasedInstance, anInstance, NOW, REGISTERED_AT } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { type GuardState } from '../guard/guard-state.js';
import { explain, type ExplainedSituation, type Explanation } from './explanation.js';

const ALLOWANCE: LeaseAllowance = { flushBoundMs: 1_000, recoveringSince: null, maxGraceMs: 600_000, stalls: [] };
const DAY_MS = 86_400_000;

const plus = (time: string, ms: number): string => new Date(Date.parse(time) + ms).toISOString();

const SWEEPER = {
  holder: 'node-a',
  term: 3,
  now: NOW,
  expiresAt: plus(NOW, 3_000),
  backSince: REGISTERED_AT,
  workedAt: NOW,
  stalls: [],
};

const situation = (leased: LeasedInstance, differing: Partial<ExplainedSituation> = {}): ExplainedSituation => ({
  leased,
  now: NOW,
  allowance: ALLOWANCE,
  guard: undefined,
  probeGuard: undefined,
  sweeper: SWEEPER,
  probedBy: 'node-a',
  events: [],
  ...differing,
});

const someSituation: fc.Arbitrary<ExplainedSituation> = fc
  .record({
    leased: someLeasedInstance,
    renewedMsAgo: fc.integer({ min: 0, max: 2 * DAY_MS }),
    recoveringSince: fc.constantFrom(null, NOW, plus(NOW, -5_000), plus(NOW, -DAY_MS)),
    stalls: fc.array(
      fc
        .record({ agoMs: fc.integer({ min: 0, max: DAY_MS }), ms: fc.integer({ min: 100, max: 60_000 }) })
        .map(({ agoMs, ms }) => ({ from: plus(NOW, -agoMs - ms), until: plus(NOW, -agoMs), ms })),
      { maxLength: 3 },
    ),
  })
  .map(({ leased, renewedMsAgo, recoveringSince, stalls }) =>
    situation(
      { ...leased, lease: { ...leased.lease, renewedAt: plus(NOW, -renewedMsAgo) } },
      { allowance: { ...ALLOWANCE, recoveringSince, stalls } },
    ),
  );

/** What the jobs, which run once a second, would do at a time. */
function whatIsDone({ instance, lease }: LeasedInstance, at: string, allowance: LeaseAllowance) {
  const target = { id: instance.id };
  const commands: readonly Command[] = [
    { kind: 'clear-override', target, onlyIfOver: true, whenAbsent: 'ignore' },
    { kind: 'expire', target, whenAbsent: 'ignore', allowance },
  ];
  const moment = { now: at, clock: at, revision: 99, actor: 'system:liveness' };
  return commands.map(command => decide({ instance, lease }, command, moment)).filter(({ kind }) => kind === 'changed');
}

/** Carries out the forecast, and checks that nothing happens just before its times. @returns the statuses */
function live({ leased, now, allowance }: ExplainedSituation, next: Explanation['next']) {
  const came: (string | null)[] = [];
  let current: LeasedInstance | undefined = leased;
  let last = now;
  for (const { when } of next) {
    const before = plus(when, -1);
    if (before >= last) expect(whatIsDone(current!, before, allowance), `nothing is done at ${before}`).toEqual([]);
    const [decision] = whatIsDone(current!, when, allowance);
    if (decision?.kind !== 'changed') throw new Error(`Nothing was done at ${when}.`);
    current = decision.after;
    last = when;
    came.push(current?.instance.status ?? null);
  }
  const later = plus(next.at(-1)?.when ?? now, 400 * DAY_MS);
  if (current) expect(whatIsDone(current, later, allowance), 'nothing happens afterwards').toEqual([]);
  return came;
}

describe('The forecast of an explanation', () => {
  it('is what is decided, at that time and not earlier, and nothing else', () => {
    fc.assert(
      fc.property(someSituation, it => {
        const { next } = explain(it);
        expect(live(it, next)).toEqual(next.map(({ status }) => status));
      }),
      { numRuns: 1_000 },
    );
  });

  it('has the effect of each health signal', () => {
    fc.assert(
      fc.property(someSituation, it => {
        const target = { id: it.leased.instance.id };
        const report = (healthy: boolean): Command => ({
          kind: 'report-health',
          target,
          report: { healthy, output: '' },
        });
        const probe = (healthy: boolean): Command => ({
          kind: 'report-probe',
          target,
          probed: it.leased.instance,
          verdict: { healthy, inARow: 99, output: '' },
        });
        const commands = {
          heartbeat: { kind: 'heartbeat', target },
          'report-healthy': report(true),
          'report-failed': report(false),
          'probe-healthy': probe(true),
          'probe-failed': probe(false),
        } as const satisfies Record<string, Command>;
        for (const { sign, status } of explain(it).signs) {
          const decision = decide(it.leased, commands[sign], { now: NOW, clock: NOW, revision: 9, actor: 'a' });
          const after = decision.kind === 'changed' ? decision.after : it.leased;
          expect(status, sign).toBe(after?.instance.status);
        }
      }),
    );
  });

  it('consists of complete sentences', () => {
    fc.assert(
      fc.property(someSituation, it => {
        const { because, health, next, signs, timers, notes } = explain(it);
        const texts = [
          because,
          health.because,
          ...notes,
          ...next.map(({ what }) => what),
          ...signs.map(({ what }) => what),
        ];
        for (const text of [...texts, ...timers.map(({ effect }) => effect)]) {
          expect(text).toMatch(/^[“A-Z0-9a-z].*[.”]$/s);
          expect(text).not.toMatch(/undefined|null|NaN|\[object/);
        }
        expect(timers.map(({ inSeconds }) => inSeconds)).toEqual(
          timers.map(({ inSeconds }) => inSeconds).toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

const guard = (differing: Partial<GuardState> = {}): GuardState => ({
  active: true,
  scope: { kind: 'service', namespace: 'default', service: 'orders' },
  phase: 'holding',
  reason: 'service-share',
  detail: null,
  since: NOW,
  until: plus(NOW, 600_000),
  wouldExpire: 14,
  of: 20,
  limit: 0.3,
  ...differing,
});

describe('An explanation', () => {
  it('has the begin of the status from the log, which has overrides that have ended', () => {
    const log = new LogInMemory();
    const first = anInstance();
    const overridden = { status: 'stopped', reason: null, until: null, setAt: NOW, setBy: 'ops' } as const;
    const events = [
      log.put(first),
      log.put(anInstance({ ...first, override: overridden })),
      log.put(first),
      log.put({ ...first, weight: 7 }),
    ].map((event, n) => ({ ...event, at: plus(NOW, n * 1_000) }));
    const { since, lastEvents } = explain(situation(aLeasedInstance(first), { events: events.toReversed() }));
    expect(since).toBe(plus(NOW, 2_000));
    expect(lastEvents.map(({ revision, from, to }) => ({ revision, from, to }))).toEqual([
      { revision: 4, from: 'healthy', to: 'healthy' },
      { revision: 3, from: 'stopped', to: 'healthy' },
    ]);
  });

  it('names the operator of an override, and the health that it hides', () => {
    const override = { status: 'maintenance', reason: 'disk swap', until: null, setAt: NOW, setBy: 'ops' } as const;
    const { decidedBy, because, notes, since } = explain(situation(aLeasedInstance({ override })));
    expect({ decidedBy, since }).toEqual({ decidedBy: 'operator', since: NOW });
    expect(because).toContain('ops set the override maintenance');
    expect(because).toContain('“disk swap”');
    expect(because).toContain('Its health, which the override hides, is healthy.');
    expect(notes).toContain('It is not deregistered while it is in maintenance.');
  });

  it('has the scope of an override, by its status if it was stored without one', () => {
    const override = { reason: null, until: null, setAt: NOW, setBy: 'ops' } as const;
    const told = (differing: Pick<Override, 'status' | 'scope'>) => {
      const { override: view, notes } = explain(
        situation(aLeasedInstance({ override: { ...override, ...differing } })),
      );
      return [view?.scope, notes.some(note => note.includes('when another process registers'))];
    };
    expect(told({ status: 'stopping' })).toEqual(['incarnation', true]);
    expect(told({ status: 'maintenance' })).toEqual(['instance', false]);
    expect(told({ status: 'stopped', scope: 'instance' })).toEqual(['instance', false]);
    expect(told({ status: 'maintenance', scope: 'incarnation' })).toEqual(['incarnation', true]);
  });

  it('has until when a guard prevents events, except the end of an override', () => {
    const override = { status: 'stopped', reason: null, until: plus(NOW, 5_000), setAt: NOW, setBy: 'ops' } as const;
    const { next, notes, guard: told } = explain(situation(aLeasedInstance({ override }), { guard: guard() }));
    expect(next.map(({ event, heldUntil }) => [event, heldUntil])).toEqual([
      ['lease-ends', plus(NOW, 600_000)],
      ['override-ends', null],
      ['deregistered', null],
    ]);
    expect(told).toEqual(guard());
    expect(notes.join()).toContain('14 of 20');
  });

  it('notes that a lease lasts once more after an outage, and shows no guard for it', () => {
    const recoveringSince = plus(NOW, -10_000);
    const storeAway = guard({ scope: { kind: 'all' }, reason: 'store-away' });
    const allowance = { ...ALLOWANCE, recoveringSince };
    const { next, notes } = explain(situation(aLeasedInstance(), { allowance, guard: storeAway }));
    expect(next[0]).toMatchObject({ event: 'lease-ends', when: plus(recoveringSince, 31_000), heldUntil: null });
    expect(notes).toEqual([
      `No lease could be renewed until ${recoveringSince}, because of an outage of the database, so it lasts once more.`,
    ]);
  });

  it('notes that a lease lasts longer because of a stall, by how much, and shows no guard for it', () => {
    const until = plus(NOW, -10_000);
    const stalls = [{ from: plus(until, -20_000), until, ms: 20_000 }];
    const stalled = guard({ scope: { kind: 'all' }, reason: 'node-stalled' });
    const leased = aLeasedInstance();
    const late = { ...leased, lease: { ...leased.lease, renewedAt: plus(until, -25_000) } };
    const { next, notes } = explain(situation(late, { allowance: { ...ALLOWANCE, stalls }, guard: stalled }));
    // A lease of 30 s lasts a whole ttl after the stall.
    expect(next[0]).toMatchObject({ event: 'lease-ends', when: plus(until, 31_000), heldUntil: null });
    expect(notes).toEqual([
      `The node that ends leases was stalled until ${until} and answered no renewal (node-stalled), so the lease lasts 25 s longer.`,
    ]);
  });

  it.each([undefined, { ...SWEEPER, expiresAt: NOW }])('notes that no node ends leases (%j)', sweeper => {
    expect(explain(situation(aLeasedInstance(), { sweeper })).notes.join()).toContain('No node ends leases');
  });

  it('notes that failures of its probes are held, and does not delay the end of its lease for that', () => {
    const probeGuard: GuardState = {
      active: true,
      scope: { kind: 'all' },
      phase: 'holding',
      reason: 'probe-failures',
      detail: null,
      since: NOW,
      until: plus(NOW, 600_000),
      wouldExpire: 40,
      of: 80,
      limit: 0.15,
      node: 'node-a',
    };
    const { guard, notes, next } = explain(situation(aLeasedInstance(), { probeGuard }));
    expect(guard).toEqual(probeGuard);
    expect(notes.join()).toContain('of 80 instances that node-a probes, 40 began to fail');
    expect(next.map(({ heldUntil }) => heldUntil)).toEqual(next.map(() => null));
  });

  it('notes that the node was not able to probe it', () => {
    const leased = aLeasedInstance();
    const probeError = { kind: 'node', reason: 'dns', message: 'No answer.', node: 'node-b', at: NOW } as const;
    const { health, notes } = explain(situation({ ...leased, lease: { ...leased.lease, probeError } }));
    expect(health.lastError).toEqual(probeError);
    expect(notes).toContain('Its last probe did not count, because node-b was not able to probe it (dns): No answer.');
  });

  it('notes that a lease never ends', () => {
    const leased = aLeasedInstance({ check: { kind: 'none', ttlSeconds: null, deregisterAfterSeconds: 900 } });
    const { next, lease, notes, timers } = explain(situation(leased));
    expect({ next, timers }).toEqual({ next: [], timers: [] });
    expect(lease).toMatchObject({ ttlSeconds: null, expiresAt: null, remainingSeconds: null, deregisterAt: null });
    expect(notes.join()).toContain('never ends');
  });
});
