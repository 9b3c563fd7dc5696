import { OverloadedError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { describe, expect, it } from 'vitest';
import { BytesUnderWay } from './bytes-under-way.js';
import { SharedBody } from './shared-body.js';

const KIB = 1024;
const piece = (kib: number) => Buffer.alloc(kib * KIB, 'x');

describe('the bytes under way', () => {
  it('are counted once for all responses that refer to them, until the last one has ended', () => {
    const underWay = new BytesUnderWay({ maxBytes: 1_000 * KIB }, new Metrics());
    const [a, b, c] = [piece(10), piece(20), piece(40)];
    const first = underWay.hold(new SharedBody([a, b]));
    const same = underWay.hold(new SharedBody([a, b]));
    expect(underWay.byteLength).toBe(30 * KIB);
    // The next version of a list, of which one piece has changed; its first piece lacks the comma.
    const next = underWay.hold(new SharedBody([a.subarray(1), c]));
    expect(underWay.byteLength).toBe(70 * KIB);
    first();
    first();
    expect(underWay.byteLength, 'a response that ends twice is released once').toBe(70 * KIB);
    same();
    expect(underWay.byteLength).toBe(50 * KIB);
    next();
    expect(underWay.byteLength).toBe(0);
  });

  it('are bounded: what would exceed the bound is refused, but not what is under way already', async () => {
    const metrics = new Metrics();
    let chance = 0;
    const underWay = new BytesUnderWay({ maxBytes: 100 * KIB }, metrics, () => chance);
    const [a, b] = [piece(60), piece(60)];
    const first = underWay.hold(new SharedBody([a]));
    const waits = [0, 0.5, 0.99].map(value => {
      chance = value;
      try {
        underWay.hold(new SharedBody([b]));
      } catch (error) {
        return error instanceof OverloadedError && error.extras.retryAfterSeconds;
      }
      return undefined;
    });
    expect(waits, 'callers must not all return at once').toEqual([1, 3, 5]);
    expect(underWay.byteLength, 'refused ones do not count').toBe(60 * KIB);
    underWay.hold(new SharedBody([a]))();
    first();
    underWay.hold(new SharedBody([b]));
    const text = await metrics.text();
    expect(text).toContain('pcs_responses_refused_total 3');
    expect(text).toContain(`pcs_response_bytes_under_way ${60 * KIB}`);
  });

  it('may exceed the bound by one response, which could never be sent otherwise', () => {
    const underWay = new BytesUnderWay({ maxBytes: 10 * KIB }, new Metrics());
    const end = underWay.hold(new SharedBody([piece(20)]));
    expect(() => underWay.hold(new SharedBody([piece(1)]))).toThrow(OverloadedError);
    end();
    expect(() => underWay.hold(new SharedBody([piece(20)]))).not.toThrow();
  });

  it('contain what waits for watchers, which keeps further responses out, but not the only one', () => {
    const underWay = new BytesUnderWay({ maxBytes: 10 * KIB }, new Metrics());
    underWay.count(5 * KIB);
    const end = underWay.hold(new SharedBody([piece(20)]));
    end();
    const small = underWay.hold(new SharedBody([piece(3)]));
    expect(() => underWay.hold(new SharedBody([piece(4)]))).toThrow(OverloadedError);
    underWay.count(-5 * KIB);
    expect(() => underWay.hold(new SharedBody([piece(4)]))).not.toThrow();
    small();
    expect(underWay.byteLength).toBe(4 * KIB);
  });
});
