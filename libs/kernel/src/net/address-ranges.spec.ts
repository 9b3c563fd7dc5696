import { describe, expect, it } from 'vitest';
import { AddressRanges, parseRange } from '../index.js';

describe('Ranges of addresses', () => {
  it.each([
    [['10.0.0.0/8'], ['10.0.0.1', '10.255.0.0'], ['11.0.0.1', '::a00:1', '::1']],
    [
      ['10.0.0.1', '::1'],
      ['10.0.0.1', '::1'],
      ['10.0.0.2', '::2'],
    ],
    [['2001:db8::/32'], ['2001:db8::1'], ['2001:db9::1', '10.0.0.1']],
    [['::ffff:10.0.0.0/104'], ['10.1.2.3'], ['11.0.0.1', '::1']],
    [['::FFFF:a00:1'], ['10.0.0.1'], ['10.0.0.2']],
    [['::/1'], ['::1', '2001:db8::1'], ['10.0.0.1', 'fe80::1']],
    [['::ffff:0:0/90'], ['::fffe:0:1'], ['10.0.0.1']],
    [[], [], ['10.0.0.1']],
  ])('%j have %j and not %j', (ranges, inside, outside) => {
    const set = new AddressRanges(ranges);
    expect(inside.filter(address => !set.has(address))).toEqual([]);
    expect(outside.filter(address => set.has(address))).toEqual([]);
  });

  it('have the bits that they mean, also where IPv4 is mapped into IPv6', () => {
    expect(parseRange('::ffff:10.0.0.0/104')).toEqual({ network: '10.0.0.0', family: 4, bits: 8 });
    expect(parseRange('::ffff:0:0/96')).toMatchObject({ family: 4, bits: 0 });
    expect(parseRange('fd00::1')).toEqual({ network: 'fd00::1', family: 6, bits: 128 });
  });
});
