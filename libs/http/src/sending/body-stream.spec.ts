import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyStream } from './body-stream.js';
import { SLICE_BYTES } from './paced-stream.js';
import { SharedBody, sharedIfLarge } from './shared-body.js';

const bodyOf = (...lengths: number[]) =>
  new SharedBody(lengths.map((length, n) => Buffer.alloc(length, String.fromCharCode(97 + (n % 26)))));

describe('a shared body', () => {
  it('is sent whole and in order, whatever the sizes of its pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 8 }), async lengths => {
        const body = bodyOf(...lengths);
        const sent = await buffer(new BodyStream(body));
        expect(sent.byteLength).toBe(body.byteLength);
        expect(sent.equals(Buffer.concat(body.pieces))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is sent in slices that refer to its memory, each prepared when the one before was taken', () => {
    const body = bodyOf(3 * SLICE_BYTES + 5, 7);
    const stream = new BodyStream(body);
    const slices: Buffer[] = [];
    let ahead = 0;
    for (let slice = stream.read() as Buffer | null; slice; slice = stream.read() as Buffer | null) {
      slices.push(slice);
      ahead = Math.max(ahead, stream.readableLength);
    }
    expect(slices.map(({ byteLength }) => byteLength)).toEqual([SLICE_BYTES, SLICE_BYTES, SLICE_BYTES, 5, 7]);
    const memory = new Set(body.pieces.map(piece => piece.buffer));
    expect(slices.every(slice => memory.has(slice.buffer))).toBe(true);
    expect(ahead, 'no more than one slice is prepared').toBeLessThanOrEqual(SLICE_BYTES);
  });

  it('is made of texts that are too long to be encoded for each socket', () => {
    const [short, long] = ['x'.repeat(16 * 1024), 'é'.repeat(16 * 1024 + 1)];
    expect(sharedIfLarge(short)).toBe(short);
    expect(String(sharedIfLarge(long))).toBe(long);
    expect((sharedIfLarge(long) as SharedBody).byteLength).toBe(2 * long.length);
  });
});
