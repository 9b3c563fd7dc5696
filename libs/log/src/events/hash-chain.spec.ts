import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aDraft } from '../../../../test/support/log/audit-log.js';
import { type LogEvent } from './log-event.js';
import { canonicalJson } from '@coordination/kernel';
import { chainEvent, FIRST_PREVIOUS_HASH, HASH_VERSION, hashEvent, writeEvent } from './hash-chain.js';

const link = {
  revision: 1,
  at: '2026-11-23T10:15:30.123Z',
  batchId: '019b0f1e-7a51-7c22-9a64-2f1f0f5f3b21',
  previousHash: FIRST_PREVIOUS_HASH,
};

const json = fc.jsonValue({ maxDepth: 4 });

/** The same JSON value with the keys of all its objects in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, child]) => [key, reordered(child)]),
  );
}

describe('The hash chain', () => {
  it('is SHA-256 over canonical JSON, as computed by other programs', () => {
    // Computed with Python: json.dumps(sort_keys, separators, ensure_ascii off), then hashlib.sha256.
    const event = chainEvent(aDraft({ before: null, after: { b: 1, a: [true, null, 'é'] } }), link);
    expect(event.hash).toBe('4210146ccbd389a87d46c3e5fd50dbf715bcca3f272c9593245c341c6c17fab2');
    expect(event).toMatchObject({ ...link, hashVersion: HASH_VERSION });
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const event = chainEvent(aDraft({ before, after }), link);
        expect(hashEvent(reordered(event) as LogEvent)).toBe(event.hash);
      }),
    );
  });

  it('is that of the whole event, although its text is put together of parts', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('"', '\\ud800', '😀', 'é'));
    const texts = fc.record({
      actor: text,
      clientAddress: fc.option(text),
      requestId: fc.option(text),
      reason: fc.option(text),
      service: fc.option(text),
      version: fc.option(fc.nat()),
    });
    fc.assert(
      fc.property(texts, json, json, (differing, before, after) => {
        const states = { before: canonicalJson(before), after: canonicalJson(after) };
        const { event, text: written } = writeEvent(aDraft({ ...differing, before, after }), link, states);
        expect(event.hash).toBe(hashEvent(event));
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(event)));
      }),
    );
  });

  it('is the same for an event with its hash and without', () => {
    const { hash, ...unhashed } = chainEvent(aDraft(), link);
    expect(hashEvent(unhashed)).toBe(hash);
    expect(hashEvent({ ...unhashed, hash: 'f'.repeat(64) } as LogEvent)).toBe(hash);
  });

  it('changes with every field', () => {
    const event = chainEvent(aDraft(), link);
    const fields = Object.keys(event).filter(field => field !== 'hash');
    expect(fields).toHaveLength(18);
    for (const field of fields) {
      const changed = { ...event, [field]: typeof event[field as keyof LogEvent] === 'number' ? 77 : 'changed' };
      expect(hashEvent(changed), field).not.toBe(event.hash);
    }
  });

  it('changes with every JSON value before and after', () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        const hashes = [one, other].map(after => chainEvent(aDraft({ after }), link).hash);
        const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        expect(hashes[0] === hashes[1]).toBe(same);
      }),
    );
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted((value as Record<string, unknown>)[key])]),
  );
}
