import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CompressedForm } from './compressed-form.js';

const TEXT = 'so many instances, '.repeat(1_000);

describe('the compressed form of a kept answer', () => {
  it('is made once for all who ask meanwhile, and then kept', async () => {
    let timesMade = 0;
    const form = new CompressedForm(TEXT, () => (timesMade += 1));
    expect(form.byteLength).toBe(0);
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, async () => await form.bytes()));
    expect(others.every(bytes => bytes === first)).toBe(true);
    expect(timesMade).toBe(1);
    expect(gunzipSync(first!).toString()).toBe(TEXT);
    expect(form.bytes()).toBe(first);
    expect(form.byteLength).toBe(first!.byteLength);
    expect(form.byteLength).toBeLessThan(TEXT.length / 10);
  });
});
