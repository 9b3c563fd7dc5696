import { describe, expect, it } from 'vitest';
import { acceptedCoding } from './accepted-coding.js';

describe('Accept-Encoding', () => {
  it.each([
    'gzip',
    'GZIP',
    'x-gzip',
    'deflate, gzip',
    'gzip, deflate, br, zstd',
    'br;q=1.0, gzip;q=0.8, *;q=0.1',
    'gzip;q=0.001',
    'gzip ; q=0.5 , identity ; q=0.5',
    '*',
    'br, *;q=0.2',
    'identity;q=0.5, *;q=0.9',
    'identity;q=0.2, gzip;q=0.3',
  ])('%s: gzip, where it pays', header => {
    expect(acceptedCoding(header)).toEqual({ isGzipWanted: true, isPlainRefused: false });
  });

  it.each([
    undefined,
    '',
    'identity',
    'br',
    'deflate, br;q=0.9',
    'gzip;q=0',
    'gzip;q=0.000, deflate',
    'x-gzip;q=0',
    'gzip;q=0, *',
    '*, gzip;q=0',
    '*;q=0',
    'identity;q=0',
    'br, identity;q=0',
    'gzip;q=0, identity;q=0, *',
    'identity, gzip;q=0.5',
    'gzip;q=nonsense',
    'gzipped',
    'not-gzip',
    ', ,;;q=,',
  ])('%s: plain', header => {
    expect(acceptedCoding(header)).toEqual({ isGzipWanted: false, isPlainRefused: false });
  });

  it.each([
    'gzip, identity;q=0',
    'identity;q=0.0,gzip;q=0.5',
    'gzip, *;q=0',
    '*;q=0, x-gzip',
    'identity;q=0, *',
    'gzip;q=1, identity ; q=0.000',
  ])('%s: gzip, also where it does not pay', header => {
    expect(acceptedCoding(header)).toEqual({ isGzipWanted: true, isPlainRefused: true });
  });
});
