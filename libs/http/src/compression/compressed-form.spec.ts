import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BodyStream } from '../sending/body-stream.js';
import { SharedBody } from '../sending/shared-body.js';
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

  it('is that of a body in pieces, and of no other body', async () => {
    const body = new SharedBody([Buffer.from(TEXT), Buffer.from(TEXT)]);
    const form = new CompressedForm(body);
    expect(gunzipSync(await form.bytes()).toString()).toBe(TEXT + TEXT);
    expect(form.isOf(new BodyStream(body))).toBe(true);
    expect(form.isOf(new BodyStream(SharedBody.of(TEXT)))).toBe(false);
    expect(form.isOf(body.pieces[0]), 'a piece is not the whole').toBe(false);
    expect(form.isOf(TEXT + TEXT)).toBe(false);
    expect(form.isOf(null)).toBe(false);
    const whole = Buffer.from(TEXT);
    expect(new CompressedForm(SharedBody.of(whole)).isOf(whole)).toBe(true);
  });
});
