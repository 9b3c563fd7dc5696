import { expect, it } from 'vitest';
import { parseHostsFile } from './hosts-file.js';

const TEXT = `127.0.0.1	localhost
# 10.0.0.9 commented
10.0.0.1 Orders.example.org orders # the first
10.0.0.2 orders
2001:db8::1 orders
10.0.0.1 orders
nonsense orders
10.0.0.3
`;

it('A hosts file has all addresses of a name, in upper or lower case', () => {
  const hosts = parseHostsFile(TEXT);
  expect(hosts.get('orders')?.map(({ address, family }) => `${family} ${address}`)).toEqual([
    '4 10.0.0.1',
    '4 10.0.0.2',
    '6 2001:db8::1',
  ]);
  expect(hosts.get('orders.example.org')).toHaveLength(1);
  expect([...hosts.keys()].toSorted()).toEqual(['localhost', 'orders', 'orders.example.org']);
});
