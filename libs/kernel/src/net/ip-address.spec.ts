import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAddress } from '../index.js';

describe('The one spelling of an address', () => {
  it.each([
    ['10.0.3.17', '10.0.3.17'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:10.0.3.17', '10.0.3.17'],
    ['::FFFF:10.0.3.17', '10.0.3.17'],
    ['::ffff:a00:311', '10.0.3.17'],
    ['0:0:0:0:0:ffff:0a00:0311', '10.0.3.17'],
    ['64:ff9b::10.0.3.17', '64:ff9b::a00:311'],
    ['::10.0.3.17', '::a00:311'],
    ['0::0', '::'],
    ['::0.0.0.0', '::'],
    ['::ffff:0:0', '0.0.0.0'],
    ['::1', '::1'],
  ])('of %s is %s', (text, spelt) => {
    expect(canonicalAddress(text)).toBe(spelt);
    expect(canonicalAddress(spelt)).toBe(spelt);
  });

  it.each([
    '',
    'orders',
    '010.0.0.1',
    '10.1',
    '0x7f.1',
    '[::1]',
    '10.0.0.1:80',
    'fe80::1%eth0',
    '::ffff:1.2.3.4%1',
    '::ffff:x',
  ])('is not there for %s', text => expect(canonicalAddress(text)).toBeUndefined());

  it('is the same for all spellings of any address of IPv6', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.integer({ min: 1, max: 4 }), (groups, width) => {
        const long = groups.map(part => part.toString(16).padStart(width, '0')).join(':');
        const spelt = canonicalAddress(long.toUpperCase());
        expect(spelt).toBeDefined();
        expect(canonicalAddress(long)).toBe(spelt);
        expect(canonicalAddress(spelt!)).toBe(spelt);
      }),
    );
  });
});
