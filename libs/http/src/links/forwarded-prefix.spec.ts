import { describe, expect, it } from 'vitest';
import { forwardedPrefix, MAX_PREFIX_LENGTH } from './forwarded-prefix.js';

const ofLength = (length: number) => `/${'p'.repeat(length - 1)}`;

describe('forwardedPrefix', () => {
  it.each([
    [undefined, ''],
    ['', ''],
    ['/', ''],
    ['/pcs', '/pcs'],
    ['/pcs/', '/pcs'],
    ['/a/b-c/d_e/~f/g.h', '/a/b-c/d_e/~f/g.h'],
    ['/...', '/...'],
    [ofLength(MAX_PREFIX_LENGTH), ofLength(MAX_PREFIX_LENGTH)],
  ])('takes %j as %j', (header, prefix) => {
    expect(forwardedPrefix(header)).toBe(prefix);
  });

  it.each([
    'pcs',
    '//evil.example',
    '///',
    '//',
    '/\\evil.example',
    '\\evil.example',
    '/pcs//x',
    '/pcs//',
    'https://evil.example/pcs',
    'javascript:alert(1)',
    '/..',
    '/pcs/..',
    '/pcs/../x',
    '/./pcs',
    '/%2e%2e/x',
    '/pcs%0d%0aSet-Cookie:a=b',
    '/pcs\r\nSet-Cookie: a=b',
    '/pcs\u0000',
    '/pcs ',
    ' /pcs',
    '/a, /b',
    '/a,/b',
    '/pcs?x=1',
    '/pcs#x',
    '/"><script>alert(1)</script>',
    "/'",
    '/pcs;a=b',
    '/pcs@evil.example',
    '/café',
    ofLength(MAX_PREFIX_LENGTH + 1),
  ])('does not take %j', header => {
    expect(forwardedPrefix(header)).toBeUndefined();
  });

  it('does not take several lines', () => {
    expect(forwardedPrefix(['/a', '/b'])).toBeUndefined();
  });
});
