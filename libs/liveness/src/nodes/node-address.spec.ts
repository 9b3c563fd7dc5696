import { type NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { nodeAddress, type NodePlace } from './node-address.js';

const card = (address: string, internal = false): NetworkInterfaceInfo =>
  address.includes(':')
    ? { address, family: 'IPv6', internal, netmask: '', mac: '', cidr: null, scopeid: 0 }
    : { address, family: 'IPv4', internal, netmask: '', mac: '', cidr: null };

const place = (differing: Partial<NodePlace> = {}): NodePlace => ({
  listenHost: '0.0.0.0',
  port: 8081,
  hostname: 'coordination-0',
  interfaces: {
    lo: [card('127.0.0.1', true), card('::1', true)],
    eth0: [card('fe80::1'), card('169.254.7.7'), card('fd00::17'), card('10.0.3.17')],
  },
  ...differing,
});

describe('The address of a node', () => {
  it('comes from the settings', () => {
    const settings = { nodeId: 'node-a', advertisedHost: 'coordination-0.coordination' };
    expect(nodeAddress(place(settings))).toEqual({ nodeId: 'node-a', host: 'coordination-0.coordination', port: 8081 });
  });

  it('is where it listens, unless it listens on all addresses', () => {
    expect(nodeAddress(place({ listenHost: '127.0.0.1' })).host).toBe('127.0.0.1');
    expect(nodeAddress(place({ listenHost: 'localhost' })).host).toBe('localhost');
  });

  it.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::0.0.0.0', '::ffff:0:0'])(
    'is a reachable address of the machine if it listens on %s',
    listenHost => {
      expect(nodeAddress(place({ listenHost })).host).toBe('10.0.3.17');
    },
  );

  it('is an IPv6 address if there is no other, and loopback if there is no network', () => {
    expect(nodeAddress(place({ interfaces: { eth0: [card('fe80::1'), card('fd00::17')] } })).host).toBe('fd00::17');
    expect(nodeAddress(place({ interfaces: {} })).host).toBe('127.0.0.1');
  });
});

describe('The name of a node', () => {
  it('consists of host name and port, so that two nodes on one machine differ, and a restarted one keeps it', () => {
    expect(nodeAddress(place()).nodeId).toBe('coordination-0:8081');
  });

  it.each([
    ['straße (7)', 'stra-e--7-:8081'],
    ['', 'node:8081'],
    ['x'.repeat(300), `${'x'.repeat(190)}:8081`],
  ])('can be used as one, whatever the host name %j is', (hostname, name) => {
    expect(nodeAddress(place({ hostname })).nodeId).toBe(name);
  });
});
