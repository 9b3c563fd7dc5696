import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ArrivingBody } from './arriving-body.js';

const arrived = (chunks: readonly Uint8Array[]): ArrivingBody => {
  const body = new ArrivingBody();
  for (const chunk of chunks) body.add(Buffer.from(chunk));
  return body;
};

it('A body has all bytes of its chunks in their order, whatever sizes they have', () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.integer({ min: 1_000, max: 5_000 }).map(length => new Uint8Array(length).fill(length % 251)),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 40 }), chunks => {
      const body = arrived(chunks);
      const expected = Buffer.concat(chunks);
      expect(body.byteLength).toBe(expected.length);
      expect(body.whole().equals(expected)).toBe(true);
    }),
  );
});

it('Small chunks are copied, so that a buffer of which one byte has arrived is not kept with it', () => {
  const shared = Buffer.from('12');
  const body = arrived([Buffer.from('0')]);
  body.add(shared.subarray(0, 1));
  body.add(shared.subarray(1));
  shared.fill('x');
  expect(String(body.whole())).toBe('012');
});

it.each([
  ['thousands of single bytes', 5_000, 1, true],
  ['thousands of short texts', 5_000, 16, false],
  ['as many single bytes as a short body may have', 4_096, 1, false],
])('A body of %s may be crumbled', (_, chunks, bytes, isCrumbled) => {
  const body = arrived(Array.from({ length: chunks }, () => new Uint8Array(bytes)));
  expect(body.isCrumbled).toBe(isCrumbled);
});
