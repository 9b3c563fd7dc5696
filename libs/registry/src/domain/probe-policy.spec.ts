import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Check } from '@coordination/catalog';
import { aSpec } from '../../../../test/support/catalog/factories.js';
import { ProbePolicy } from './probe-policy.js';

const EVERYTHING = new ProbePolicy(['0.0.0.0/0', '::/0']);
const LOOPBACK = new ProbePolicy(['127.0.0.0/8', '::1/128']);
const NOTHING = new ProbePolicy([]);

const TCP: Check = {
  kind: 'tcp',
  intervalSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 3,
  successThreshold: 1,
  ttlSeconds: null,
  deregisterAfterSeconds: 900,
};

const about = (policy: ProbePolicy, host: string, check: Check = TCP) => policy.complaintsAbout(aSpec({ host, check }));

describe('What is never probed, though everything is allowed', () => {
  it.each([
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::', '0:0:0:0:0:0:0:0']],
    ['link-local', ['169.254.0.1', '169.254.255.255', 'fe80::1', 'FEBF::1', 'fec0::1']],
    ['metadata', ['169.254.169.254', '100.100.100.200', '168.63.129.16', '192.0.0.192']],
    ['metadata of IPv6', ['fd00:ec2::254', 'FD00:EC2:0:0:0:0:0:254', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe']],
    ['multicast and broadcast', ['224.0.0.1', '239.255.255.255', '255.255.255.255', '240.0.0.1', 'ff02::1']],
    ['mapped', ['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '0:0:0:0:0:FFFF:A9FE:A9FE', '::ffff:0.0.0.0']],
    ['compatible', ['::169.254.169.254', '::a9fe:a9fe', '::224.0.0.1']],
    ['NAT64', ['64:ff9b::169.254.169.254', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '64:ff9b::6464:64c8']],
    ['6to4', ['2002:a9fe:a9fe::', '2002:a9fe:a9fe::1', '2002:e000:1::1', '2002:6464:64c8::5']],
    ['Teredo and translated', ['2001:0:a9fe:a9fe::1', '::ffff:0:a9fe:a9fe', '::ffff:0:169.254.169.254']],
    ['of one machine only', ['fe80::1%eth0', '::1%lo']],
    ['no address', ['', 'localhost', '127.1', '0x7f000001', '2130706433', '0177.0.0.1', '[::1]', '127.0.0.1:80']],
  ])('%s', (_, addresses) => {
    expect(addresses.filter(address => EVERYTHING.refusalOf(address) === undefined)).toEqual([]);
  });
});

describe('What is allowed', () => {
  it.each(['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
    'loopback, however it is spelt: %s',
    address => expect(LOOPBACK.refusalOf(address)).toBeUndefined(),
  );

  it.each(['10.0.0.1', '128.0.0.1', 'fd00::2', '2001:db8::1', '::ffff:10.0.0.1', '64:ff9b::7f00:1'])(
    'is nothing else than what is said: %s',
    address => expect(LOOPBACK.refusalOf(address)).toMatch(/PCS_PROBE_ALLOW does not cover it/),
  );

  it('may be single addresses too', () => {
    expect(new ProbePolicy(['::ffff:10.0.3.0/120']).refusalOf('10.0.3.17')).toBeUndefined();
    const policy = new ProbePolicy(['10.0.3.17', '2001:db8::1']);
    expect(['10.0.3.17', '2001:db8::1', '::ffff:10.0.3.17'].map(address => policy.refusalOf(address))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(policy.refusalOf('10.0.3.18')).toBeDefined();
  });

  it('of IPv6 says nothing of IPv4, in whatever form', () => {
    const policy = new ProbePolicy(['::/0']);
    for (const address of ['10.0.0.1', '::ffff:10.0.0.1']) expect(policy.refusalOf(address)).toBeDefined();
    expect(policy.refusalOf('2606:4700::1')).toBeUndefined();
  });

  it('is judged alike for an IPv4 address and its mapped form', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        for (const policy of [EVERYTHING, LOOPBACK, NOTHING]) {
          const [plain, mapped] = [policy.refusalOf(address), policy.refusalOf(`::ffff:${address}`)];
          expect(mapped === undefined).toBe(plain === undefined);
        }
      }),
    );
  });
});

describe('A registration', () => {
  it('that asks for no probe may have any host', () => {
    expect(about(NOTHING, '169.254.169.254', aSpec().check)).toEqual([]);
  });

  it('is refused by its host when that is a forbidden address', () => {
    expect(about(LOOPBACK, '10.0.0.1')).toEqual([
      { path: '/host', message: expect.stringMatching(/PCS_PROBE_ALLOW does not cover it/) },
    ]);
    expect(about(LOOPBACK, '127.0.0.1')).toEqual([]);
  });

  it('is refused by its check where nothing is probed', () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(about(NOTHING, host)).toEqual([{ path: '/check', message: expect.stringMatching(/probes nothing/) }]);
    }
  });

  it('with a name waits for what the name leads to', () => {
    expect(about(LOOPBACK, 'metadata.google.internal')).toEqual([]);
  });
});
