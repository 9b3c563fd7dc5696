import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zoneShare } from './zone-share.js';

/** Of a hundred. */
const fit = (percent: number) => ({ fit: percent, all: 100 });

const ENVOYS_THRESHOLD = 100 / 1.4;

describe('the share of the preferred zone', () => {
  it.each([
    // fit here, fit elsewhere, calls here: the table of envoyproxy.io, "Priority levels"
    [100, 100, 100],
    [72, 72, 100],
    [71, 71, 99],
    [50, 50, 70],
    [25, 100, 35],
    [25, 25, 50],
    [0, 100, 0],
  ])('is as in Envoy: %d %% fit here and %d %% elsewhere give %d %% of the calls', (here, elsewhere, calls) => {
    const share = zoneShare(fit(here), fit(elsewhere), ENVOYS_THRESHOLD);
    expect(Math.floor(Number((share * 100).toFixed(9)))).toBe(calls);
  });

  it.each([
    [70, 70, 1],
    [69, 70, 69 / 70],
    [35, 70, 1 / 2],
    [99, 100, 0.99],
    [1, 0, 1],
    [0, 0, 0],
    [0, 70, 0],
  ])('of a zone that is %d %% fit at a threshold of %d %% is %d', (here, threshold, share) =>
    expect(zoneShare(fit(here), fit(100), threshold)).toBe(share),
  );

  it('is 1 when there are no instances elsewhere, and 0 when there are none at all', () => {
    const nobody = { fit: 0, all: 0 };
    expect(zoneShare(fit(1), nobody, 70)).toBe(1);
    expect(zoneShare(fit(1), fit(0), 70)).toBe(1);
    expect(zoneShare(nobody, nobody, 70)).toBe(0);
  });

  it('is a probability that never decreases when the zone gets better, and gives no calls to a side without instances', () => {
    const group = fc.nat(1_000).chain(all => fc.record({ all: fc.constant(all), fit: fc.nat(all) }));
    fc.assert(
      fc.property(group, group, fc.nat(100), (zone, elsewhere, threshold) => {
        const share = zoneShare(zone, elsewhere, threshold);
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
        if (zone.fit === 0) expect(share).toBe(0);
        else if (elsewhere.fit === 0) expect(share).toBe(1);
        if (zone.fit < zone.all) {
          expect(zoneShare({ ...zone, fit: zone.fit + 1 }, elsewhere, threshold)).toBeGreaterThanOrEqual(share);
        }
      }),
    );
  });
});
