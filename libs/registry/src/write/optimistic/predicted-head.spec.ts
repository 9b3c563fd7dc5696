import { beforeEach, describe, expect, it } from 'vitest';
import { PredictedHead } from './predicted-head.js';

const KNOWN = { revision: 7, hash: 'a'.repeat(64), epoch: 'e' };
const LOCKED_AT = '2026-01-01T00:00:10.000Z';

let nowMs = 0;
let forecast: PredictedHead;

beforeEach(() => {
  nowMs = 5_000;
  forecast = new PredictedHead({ monotonicMs: () => nowMs });
});

const lock = (clock = LOCKED_AT, now = clock, fence = 3) => forecast.learn({ now, clock, fence });

/** How many batches take the lock before one is forecast again. */
function batchesUnderLock(): number {
  for (let count = 0; ; count++) if (forecast.head(KNOWN)) return count;
}

describe('The forecast of the head', () => {
  it('is none before the head was locked, and after a try that failed', () => {
    expect(forecast.head(KNOWN)).toBeUndefined();
    lock();
    expect(forecast.head(KNOWN)).toMatchObject({ ...KNOWN, fence: 3 });
    forecast.noteWrong();
    expect(forecast.head(KNOWN)).toBeUndefined();
  });

  it('goes on from the clock of the database as the clock here does, and never falls', () => {
    lock();
    expect(forecast.head(KNOWN)?.now).toBe(LOCKED_AT);
    nowMs += 1_234.9;
    expect(forecast.head(KNOWN)?.now).toBe('2026-01-01T00:00:11.234Z');
    // An answer that took long says less than is known already.
    forecast.noteRight('2026-01-01T00:00:10.100Z');
    expect(forecast.head(KNOWN)?.now).toBe('2026-01-01T00:00:11.234Z');
    forecast.noteRight('2026-01-01T00:00:12.000Z');
    expect(forecast.head(KNOWN)?.now).toBe('2026-01-01T00:00:12.000Z');
  });

  it('follows a clock of the database that was set back, once the head was locked again', () => {
    lock();
    forecast.noteWrong();
    lock('2026-01-01T00:00:01.000Z');
    forecast.head(KNOWN);
    nowMs += 10;
    expect(forecast.head(KNOWN)?.now).toBe('2026-01-01T00:00:01.010Z');
  });

  it('tells the clock and the time of the log apart where the log is ahead, until the clock has passed it', () => {
    lock(LOCKED_AT, '2026-01-01T00:00:12.000Z');
    nowMs += 500;
    const times = () => {
      const { now, clock } = forecast.head(KNOWN)!;
      return { now, clock };
    };
    expect(times()).toEqual({ now: '2026-01-01T00:00:12.000Z', clock: '2026-01-01T00:00:10.500Z' });
    forecast.noteRight('2026-01-01T00:00:10.600Z');
    expect(times()).toEqual({ now: '2026-01-01T00:00:12.000Z', clock: '2026-01-01T00:00:10.600Z' });
    nowMs += 1_500;
    expect(times()).toEqual({ now: '2026-01-01T00:00:12.100Z', clock: '2026-01-01T00:00:12.100Z' });
  });

  it('is relied on the less the more often it fails in a row, and again when it holds', () => {
    lock();
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      forecast.noteWrong();
      lock();
      waits.push(batchesUnderLock());
    }
    expect(waits).toEqual([1, 3, 7, 15, 31, 63, 64, 64, 64]);
    forecast.noteRight(LOCKED_AT);
    forecast.noteWrong();
    lock();
    expect(batchesUnderLock()).toBe(1);
  });
});
