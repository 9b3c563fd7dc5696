import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacedSource } from './paced-source.js';
import { SLICE_BYTES } from './paced-stream.js';

const chunksOf = (lengths: readonly number[]) =>
  lengths.map((length, n) => Buffer.alloc(length, String.fromCharCode(97 + (n % 26))));

/** A stream of bytes that gets its chunks in one go, or each in a turn of the loop of its own. */
function bytesOf(chunks: readonly Buffer[], isSlow: boolean): Readable {
  const stream = new PassThrough();
  const write = async () => {
    for (const chunk of chunks) {
      stream.write(chunk);
      if (isSlow) await new Promise(resolve => void setImmediate(resolve));
    }
    stream.end();
  };
  void write();
  return stream;
}

describe('another stream, in slices', () => {
  it('is sent whole and in order, whatever its chunks are and whenever they come', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.constantFrom('at once', 'slowly', 'objects'), async (lengths, how) => {
        const chunks = chunksOf(lengths);
        const source = how === 'objects' ? Readable.from(chunks) : bytesOf(chunks, how === 'slowly');
        const sent = await buffer(new PacedSource(source));
        expect(sent.equals(Buffer.concat(chunks))).toBe(true);
        expect(source.destroyed).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('has no slice above the limit, although the source has more at hand', async () => {
    const source = new PassThrough({ highWaterMark: 10 * SLICE_BYTES });
    source.end(Buffer.alloc(5 * SLICE_BYTES + 1, 'x'));
    const sizes: number[] = [];
    for await (const slice of new PacedSource(source)) sizes.push((slice as Buffer).byteLength);
    expect(Math.max(...sizes)).toBe(SLICE_BYTES);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5 * SLICE_BYTES + 1);
  });

  it('fails with the source, also before anybody listens', async () => {
    const source = new PassThrough();
    const sent = new PacedSource(source);
    source.destroy(new Error('no such file'));
    await new Promise(resolve => void setImmediate(resolve));
    expect(sent.errored?.message).toBe('no such file');
    await expect(buffer(sent)).rejects.toThrow('no such file');
  });

  it('fails if the source is closed before its end', async () => {
    const source = new PassThrough();
    const sent = buffer(new PacedSource(source));
    source.write('a part');
    source.destroy();
    await expect(sent).rejects.toThrow(/premature/i);
  });

  it('destroys the source when it is destroyed', () => {
    const source = new PassThrough();
    new PacedSource(source).destroy();
    expect(source.destroyed).toBe(true);
  });
});
