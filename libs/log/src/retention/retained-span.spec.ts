import { describe, expect, it } from 'vitest';
import { type LogCut } from './log-cut.js';
import { assertRetainedSpan } from './retained-span.js';

const [BEFORE, AT, AFTER] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-02T00:00:00.001Z'];
const cut: LogCut = { revision: 10, hash: '', at: AT, epoch: '', eventRevision: 20 };

describe('A span of a log that was cut at revision 10', () => {
  it.each([
    [{}],
    [{ afterRevision: 10 }],
    [{ afterRevision: 10, beforeRevision: 11 }],
    [{ beforeRevision: 12 }],
    [{ from: AFTER }],
    [{ to: AT }],
    [{ after: AT }],
    [{ before: AFTER }],
    [{ fromRevision: 11 }],
    [{ fromRevision: 11, toRevision: 5 }],
    [{ afterRevision: 10, toRevision: 5 }],
    [{ toRevision: 11 }],
  ])('is retained: %j', bounds => {
    expect(() => assertRetainedSpan(bounds, cut)).not.toThrow();
  });

  it.each([
    [{ afterRevision: 9 }],
    [{ afterRevision: 0, beforeRevision: 100 }],
    [{ beforeRevision: 11 }],
    [{ from: AT }],
    [{ from: BEFORE, to: AFTER }],
    [{ to: BEFORE }],
    [{ after: BEFORE }],
    [{ before: AT }],
    [{ after: AFTER, before: BEFORE }],
  ])('is refused, because a part of it was removed: %j', bounds => {
    expect(() => assertRetainedSpan(bounds, cut)).toThrow(expect.objectContaining({ extras: { oldestRevision: 10 } }));
    expect(() => assertRetainedSpan(bounds, undefined), 'of a complete log').not.toThrow();
  });

  it.each([[{ fromRevision: 10 }], [{ fromRevision: 0 }], [{ toRevision: 10 }], [{ fromRevision: 5, toRevision: 20 }]])(
    'is refused with the first retained event, if its bounds are included: %j',
    bounds => {
      expect(() => assertRetainedSpan(bounds, cut)).toThrow(
        expect.objectContaining({ extras: { oldestRevision: 11 } }),
      );
    },
  );
});
