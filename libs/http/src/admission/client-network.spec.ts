import { describe, expect, it } from 'vitest';
import { clientNetworkOf } from './client-network.js';

describe('clientNetworkOf', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001::1:2:3:4:5', '2001:0:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    [null, ''],
  ])('%s belongs to %s', (address, network) => {
    expect(clientNetworkOf(address)).toBe(network);
  });
});
