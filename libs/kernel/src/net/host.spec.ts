import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHost, isUnspecified } from '../index.js';

const hostOf = (text: string) => {
  const checked = checkHost(text);
  return 'host' in checked ? checked.host : undefined;
};
const complaintOf = (text: string) => {
  const checked = checkHost(text);
  return 'complaint' in checked ? checked.complaint : undefined;
};

/** As a caller of the instance would write it. */
const urlOf = (scheme: string, host: string) => `${scheme}://${host.includes(':') ? `[${host}]` : host}:8080`;

const label = fc.stringMatching(/^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,10}[a-zA-Z0-9_])?$/);

/** What people and programs give as hosts, the strange included. */
const someText = fc.oneof(
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.ipV6().map(address => address.toUpperCase()),
  fc.ipV4().map(address => `::ffff:${address}`),
  fc.tuple(fc.ipV6(), label).map(([address, zone]) => `${address}%${zone}`),
  fc.domain(),
  fc.array(label, { minLength: 1, maxLength: 5 }).map(labels => labels.join('.')),
  fc.tuple(fc.domain(), fc.constantFrom('.', '..', ':80', '/', '%2e', '%')).map(parts => parts.join('')),
  fc.string({ maxLength: 30 }),
);

describe('A host', () => {
  it('that is accepted can stand in a URL, comes back from it as it is, and is accepted again as it is', () => {
    fc.assert(
      fc.property(someText, fc.constantFrom('http', 'https', 'ws', 'grpc', 'tcp', 'udp'), (text, scheme) => {
        const host = hostOf(text);
        if (host === undefined) return;
        const { hostname, port, username, pathname } = new URL(urlOf(scheme, host));
        expect(hostname).toBe(host.includes(':') ? `[${host}]` : host);
        expect([port, username]).toEqual(['8080', '']);
        expect(['', '/']).toContain(pathname);
        expect(hostOf(host)).toBe(host);
      }),
      { numRuns: 2_000 },
    );
  });

  it('that is accepted is the same in upper case', () => {
    fc.assert(
      fc.property(someText, text => {
        const host = hostOf(text);
        if (host !== undefined) expect(hostOf(text.toUpperCase())).toBe(host);
      }),
    );
  });

  it.each([
    ['Orders.Example.ORG', 'orders.example.org'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::FFFF:10.0.3.17', '10.0.3.17'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['fe80::1', 'fe80::1'],
    ['169.254.20.10', '169.254.20.10'],
    ['239.1.2.3', '239.1.2.3'],
  ])('%s is %s', (text, host) => expect(hostOf(text)).toBe(host));

  it.each(['fe80::1%eth0', 'FE80::1%25eth0', '::1%lo', '::ffff:10.0.0.1%1', '::%1'])('may not be %s: a zone', text => {
    expect(complaintOf(text)).toMatch(/without a zone/);
  });

  it.each(['0.0.0.0', '0.1.2.3', '::', '0::0', '::0.0.0.0', '::ffff:0:0', '::ffff:0.0.0.0', '0:0:0:0:0:0:0:0'])(
    'may not be %s: unspecified',
    text => expect(complaintOf(text)).toMatch(/not an unspecified one/),
  );

  it.each(['255.255.255.255', '::ffff:255.255.255.255', '::ffff:ffff:ffff'])('may not be %s: broadcast', text => {
    expect(complaintOf(text)).toMatch(/not the broadcast address/);
  });

  it.each([
    ['010.0.0.1', /without leading zeros/],
    ['10.0.0.256', /without leading zeros/],
    ['127.1', /without leading zeros/],
    ['2130706433', /without leading zeros/],
    ['0x7f000001', /without leading zeros/],
    ['orders.0x7f', /without leading zeros/],
    ['orders.example.org.', /without the dot at its end/],
    ['bücher.example', /in its xn-- form/],
    ['[::1]', /without brackets/],
    ['10.0.0.1:80', /must be a DNS name/],
    ['a%2eb', /must be a DNS name/],
    ['', /must be a DNS name/],
  ])('%s is refused, and the message says what to do', (text, message) => {
    expect(complaintOf(text)).toMatch(message);
  });
});

it.each([
  ['0.0.0.0', true],
  ['::', true],
  ['0:0:0:0:0:0:0:0', true],
  ['::0.0.0.0', true],
  ['::ffff:0:0', true],
  ['0.1.2.3', false],
  ['::1', false],
  ['localhost', false],
])('that %s is unspecified is %s', (text, is) => expect(isUnspecified(text)).toBe(is));
