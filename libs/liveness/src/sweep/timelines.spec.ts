import * as fc from 'fast-check';
import { LONG_STALL_MS } from '@coordination/catalog';
import { describe, expect, it } from 'vitest';
import { aLeasedInstance } from '../../../../test/support/catalog/factories.js';
import { SimulatedLeases } from '../../../../test/support/catalog/lease-simulation.js';
import { type GuardRules } from '../guard/guard-rules.js';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const FLUSH_BOUND_MS = 1_000;
const SWEEP_MS = 1_000;
/** How long it takes until another node sweeps, after the sweeper has died. */
const TAKEOVER_MS = 5_000;
/** The shortest outage after which each lease lasts once more. */
const AWAY_MS = 3_000;

const RULES: GuardRules = {
  serviceShare: 0.3,
  minInstances: 4,
  totalShare: 0.15,
  totalMinInstances: 12,
  windowMs: 10_000,
  maxMs: 30_000,
  releasePerSecond: 5,
};

/** An instance: how often it renews its lease, how long renewals take, and when it dies. */
const someLife = fc.record({
  service: fc.constantFrom('a', 'b', 'c'),
  ttl: fc.constantFrom(2, 5, 20),
  deregisterAfter: fc.constantFrom(0, 1, 10),
  /** Part of the ttl between two renewals. */
  pace: fc.double({ min: 0.15, max: 1.3, noNaN: true }),
  /** The offset of the clock of its node. It must not matter, because the database gets the age of a renewal. */
  skewMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
  delays: fc.array(fc.integer({ min: 0, max: FLUSH_BOUND_MS }), { minLength: 1, maxLength: 5 }),
  diesAfterMs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: Infinity }),
});

const someStory = fc.record({
  lives: fc.array(someLife, { minLength: 1, maxLength: 25 }),
  sweepPauses: fc.array(fc.integer({ min: 100, max: SWEEP_MS }), { minLength: 1, maxLength: 7 }),
  /** No node sweeps, while renewals continue. */
  takeovers: fc.array(fc.integer({ min: 0, max: 80_000 }), { maxLength: 2 }),
  /** An outage: no renewal can be stored, and none is accepted. */
  /** The only node is stalled: it answers nothing, and then everything that has been sent meanwhile. */
  stalls: fc.array(
    fc.record({ from: fc.integer({ min: 0, max: 70_000 }), ms: fc.integer({ min: 150, max: 40_000 }) }),
    {
      maxLength: 1,
    },
  ),
  outages: fc.array(
    fc.record({ from: fc.integer({ min: 0, max: 70_000 }), ms: fc.integer({ min: 10, max: 40_000 }) }),
    {
      maxLength: 2,
    },
  ),
});
type Story = typeof someStory extends fc.Arbitrary<infer T> ? T : never;

const END_MS = 120_000;

interface Told {
  readonly leases: SimulatedLeases;
  /** Renewals that were acknowledged, with the time when they reached the database. */
  readonly answered: Map<string, { readonly sign: number; readonly noted: number }[]>;
  readonly ttlOf: Map<string, number>;
}

function tell({ lives, sweepPauses, takeovers, stalls, outages }: Story): Told {
  const leases = new SimulatedLeases(RULES, FLUSH_BOUND_MS);
  const stallAt = (ms: number) => stalls.find(({ from, ms: lasts }) => ms >= from && ms < from + lasts);
  /** The time, or the end of the stall that it is in. */
  const awakeFrom = (ms: number) => {
    const stall = stallAt(ms);
    return stall ? stall.from + stall.ms : ms;
  };
  const isAway = (ms: number) => outages.some(({ from, ms: lasts }) => ms >= from && ms < from + lasts);
  const steps: { at: number; run: () => void }[] = [];
  const answered: Told['answered'] = new Map();
  const ttlOf = new Map<string, number>();
  lives.forEach((life, n) => {
    const id = `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
    const { service, ttl, deregisterAfter, pace, skewMs, delays, diesAfterMs } = life;
    const check = { kind: 'heartbeat', ttlSeconds: ttl, deregisterAfterSeconds: deregisterAfter } as const;
    const leased = aLeasedInstance({ id, service, instanceId: String(n), check });
    leases.add({ ...leased, lease: { renewedAt: new Date(START).toISOString(), checkedAt: null } });
    ttlOf.set(id, ttl * 1_000);
    const signs: { sign: number; noted: number }[] = [];
    answered.set(id, signs);
    // Whole milliseconds, as times are stored.
    const beatAt = (beat: number) => Math.round(beat * pace * ttl * 1_000);
    for (let beat = 1, sent = 0; (sent = beatAt(beat)) < Math.min(diesAfterMs, END_MS - 5_000); beat++) {
      const ms = awakeFrom(sent);
      const noted = awakeFrom(ms + delays[beat % delays.length]!);
      if (isAway(ms) || isAway(noted)) continue;
      // The clock of the node has another time; only the age of the renewal counts.
      const ownSign = ms + skewMs;
      const age = noted + skewMs - ownSign;
      steps.push({
        at: noted,
        run: () => {
          if (leases.note(id, START + noted - age, START + noted))
            signs.push({ sign: START + ms, noted: START + noted });
        },
      });
    }
  });
  for (const { from, ms } of outages) {
    if (ms > AWAY_MS) steps.push({ at: from + ms, run: () => leases.comeBack(START + from + ms) });
  }
  // Steps at one time are done in this order: the stall is recorded before anything is swept.
  for (const { from, ms } of stalls) {
    steps.unshift({ at: from + ms, run: () => leases.noteStall(START + from, START + from + ms) });
  }
  const isSweeping = (ms: number) => !isAway(ms) && !takeovers.some(from => ms > from && ms < from + TAKEOVER_MS);
  for (let ms = 0, n = 0; ms < END_MS; ms += sweepPauses[n++ % sweepPauses.length]!) {
    const at = ms;
    if (isSweeping(at) && !stallAt(at)) steps.push({ at, run: () => leases.sweep(START + at) });
  }
  for (const { run } of steps.toSorted((a, b) => a.at - b.at)) run();
  return { leases, answered, ttlOf };
}

const assertOf = (property: (told: Told, story: Story) => void) =>
  fc.assert(
    fc.property(someStory, story => property(tell(story), story)),
    { numRuns: 150 },
  );

describe('In every sequence of renewals, sweeps, restarts, outages, stalls and wrong clocks', () => {
  it('no lease ends before its ttl after the last renewal that was acknowledged', () => {
    assertOf(({ leases, answered, ttlOf }) => {
      for (const { id, action, at, renewedAt } of leases.actions) {
        if (action === 'healed') continue;
        const ttl = ttlOf.get(id)!;
        expect(at).toBeGreaterThanOrEqual(renewedAt + ttl + FLUSH_BOUND_MS);
        for (const { sign } of answered.get(id)!) {
          if (sign <= at - FLUSH_BOUND_MS) expect(at).toBeGreaterThanOrEqual(sign + ttl + FLUSH_BOUND_MS);
        }
      }
    });
  });

  it('an acknowledged renewal counts: an instance whose lease lasts when it is stored is healthy', () => {
    assertOf(({ leases, answered, ttlOf }) => {
      for (const [id, signs] of answered) {
        for (const { sign, noted } of signs) {
          if (sign + ttlOf.get(id)! <= noted) continue;
          const last = leases.actions.findLast(action => action.id === id && action.at <= noted);
          // An action at the same moment may have come after it.
          expect(last === undefined || last.action === 'healed' || last.at === noted).toBe(true);
        }
      }
    });
  });

  it('each lease ends in time, unless a guard holds or there is an outage', () => {
    assertOf(({ leases, ttlOf }, { takeovers, stalls, outages }) => {
      for (const { id, action, at, renewedAt } of leases.actions) {
        if (action !== 'lapsed') continue;
        const quiet = (from: number, to: number) => to < renewedAt - START || from > at - START;
        const isQuiet =
          takeovers.every(from => quiet(from, from + TAKEOVER_MS)) &&
          outages.every(({ from, ms }) => quiet(from, from + ms + 20_000)) &&
          stalls.every(({ from, ms }) => quiet(from, from + ms)) &&
          !leases.guardedAt.some(guarded => guarded >= renewedAt && guarded <= at);
        if (isQuiet) expect(at).toBeLessThanOrEqual(renewedAt + ttlOf.get(id)! + FLUSH_BOUND_MS + SWEEP_MS);
      }
    });
  });

  it('nobody whose lease lasted when a long stall began is ended before a ttl after it', () => {
    assertOf(({ leases, ttlOf }, { stalls }) => {
      for (const { from, ms } of stalls) {
        if (ms < LONG_STALL_MS) continue;
        const [began, over] = [START + from, START + from + ms];
        for (const { id, action, at, renewedAt } of leases.actions) {
          const ttl = ttlOf.get(id)!;
          const wasOver = renewedAt + ttl <= began;
          if (action === 'lapsed' && at >= over && renewedAt < over && !wasOver) {
            expect(at).toBeGreaterThanOrEqual(over + Math.min(ttl, RULES.maxMs) + FLUSH_BOUND_MS);
          }
        }
      }
    });
  });

  it('no action is done twice, and none after an instance was deregistered', () => {
    assertOf(({ leases }) => {
      const last = new Map<string, string>();
      for (const { id, action } of leases.actions) {
        const before = last.get(id) ?? 'healed';
        expect([before, action]).toEqual([action === 'lapsed' ? 'healed' : 'lapsed', action]);
        last.set(id, action);
      }
    });
  });

  it('a dead instance becomes unhealthy in the end, whatever guards there were', () => {
    assertOf(({ leases }, { lives }) => {
      for (let ms = END_MS; ms < END_MS + 200_000; ms += SWEEP_MS) leases.sweep(START + ms);
      expect(leases.guards).toEqual([]);
      lives.forEach((_, n) => {
        const id = `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
        expect(leases.isHealthy(id), 'it has not renewed its lease for long').toBe(false);
      });
    });
  });
});
