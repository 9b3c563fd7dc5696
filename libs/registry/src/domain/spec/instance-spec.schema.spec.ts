import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostFilterSchema, identityKey, identityOf } from '@coordination/catalog';
import { reordered, someSpecToAsk } from '../../../../../test/support/laws/arbitraries.js';
import { aSpec } from '../../../../../test/support/catalog/factories.js';
import { instanceSpecSchema, toSpec } from './instance-spec.schema.js';

const specWith = (differing: object) => instanceSpecSchema.safeParse({ ...aSpec(), ...differing });

const complaintsAbout = (differing: object) =>
  specWith(differing).error?.issues.map(({ path, message }) => `/${path.join('/')} ${message}`) ?? [];

const hostOf = (host: string) => specWith({ host }).data?.host;

describe('The spec', () => {
  it('of the fewest words has all defaults', () => {
    expect(toSpec(instanceSpecSchema.parse({ host: 'h', port: 1 }))).toEqual({
      type: 'api',
      scheme: 'http',
      host: 'h',
      port: 1,
      zone: null,
      weight: 100,
      metadata: {},
      check: { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 },
    });
  });

  it('that was checked passes as it is when it is checked again', () => {
    fc.assert(
      fc.property(someSpecToAsk, spec => {
        expect(toSpec(instanceSpecSchema.parse(reordered(spec)))).toEqual(spec);
      }),
    );
  });

  it('knows no other fields, and nothing that the server sets', () => {
    for (const field of ['version', 'revision', 'health', 'override', 'id', 'nonsense']) {
      expect(specWith({ [field]: 1 }).success, field).toBe(false);
    }
  });
});

describe('The host', () => {
  it.each(['10.0.3.17', 'orders', 'orders.example.org', '_srv.example.org', '2001:db8::1', '::1', 'a-b.c1'])(
    'may be %s',
    host => expect(hostOf(host)).toBe(host),
  );

  it('is lowered', () => {
    expect(hostOf('Orders.Example.ORG')).toBe('orders.example.org');
    expect(hostOf('2001:DB8::1')).toBe('2001:db8::1');
  });

  it('that is an address has one spelling', () => {
    for (const host of ['2001:DB8:0:0:0:0:0:1', '2001:db8::0:1', '2001:0DB8::0001']) {
      expect(hostOf(host)).toBe('2001:db8::1');
    }
    expect(hostOf('::FFFF:10.0.3.17')).toBe('10.0.3.17');
  });

  it.each(['fe80::1%eth0', '::1%lo'])('may not be %s: a zone', host => {
    expect(complaintsAbout({ host })[0]).toContain('must be without a zone');
  });

  it.each([
    ['Orders.Example.org', ['orders.example.org']],
    ['10.0.3.17', ['10.0.3.17']],
    ['2001:DB8:0:0:0:0:0:1', ['2001:db8::1', '2001:db8:0:0:0:0:0:1']],
    ['::ffff:10.0.3.17', ['10.0.3.17', '::ffff:10.0.3.17']],
    ['FE80::1%eth0', ['fe80::1%eth0']],
    ['0.1.2.3', ['0.1.2.3']],
  ])('to look for, %s, may be stored as %j', (host, spellings) => {
    expect(hostFilterSchema.parse(host)).toEqual(spellings);
  });

  it.each(['', '*', '[::1]', '1.2.3', 'orders.example.org.', 'a'.repeat(254)])('to look for may not be %s', host => {
    expect(hostFilterSchema.safeParse(host).success).toBe(false);
  });

  it.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0', '::ffff:0:0', '0::0', '::0.0.0.0', '0.1.2.3'])(
    'may not be %s: unspecified',
    host => {
      expect(complaintsAbout({ host })[0]).toContain('not an unspecified one');
    },
  );

  it.each(['*', '*.example.org', '[::1]', 'a b', 'a..b', '-a', 'a-', '10.0.0.256', '1.2.3', 'a.0x7f', 'a:80', 'ä.org'])(
    'may not be %s: neither a name nor an address',
    host => {
      expect(complaintsAbout({ host })[0]).toContain('must be a DNS name, an IPv4 or an IPv6 address');
    },
  );

  it.each(['', 'a'.repeat(254)])('has 1 to 253 characters', host => expect(specWith({ host }).success).toBe(false));
});

describe('The numbers', () => {
  it.each([0, 65_536, 80.5, '80', Number.NaN, null])('cannot have the port %s', port => {
    expect(specWith({ port }).success).toBe(false);
  });

  it.each([-1, 10_001, 0.5])('cannot have the weight %s', weight => expect(specWith({ weight }).success).toBe(false));
});

describe('The zone', () => {
  it.each([undefined, null])('may be %s', zone => expect(specWith({ zone }).data?.zone).toBeNull());

  it.each(['', 'a b', '/a', 'a'.repeat(101)])('may not be "%s"', zone => {
    expect(specWith({ zone }).success).toBe(false);
  });
});

/** Metadata of so many bytes, half as many characters. */
const sized = (bytes: number) => ({ text: 'ü'.repeat((bytes - '{"text":""}'.length) / 2) });

describe('The metadata', () => {
  it('may be anything, with keys that name parts of JavaScript', () => {
    const metadata = { constructor: { prototype: 1 }, toString: null, deep: { a: [{ b: 1.5e-300 }] } };
    expect(specWith({ metadata }).data?.metadata).toEqual(metadata);
  });

  it('gives the fields that queries know their types', () => {
    const metadata = { version: 1, environment: {}, region: null, tags: { a: 1 }, capabilities: ['x', 2] };
    expect(complaintsAbout({ metadata }).map(text => text.split(' ')[0])).toEqual([
      '/metadata/version',
      '/metadata/environment',
      '/metadata/region',
      '/metadata/tags/a',
      '/metadata/capabilities/1',
    ]);
  });

  it('cannot hold what PostgreSQL cannot store, nor numbers that would be changed', () => {
    const metadata = { a: 'x\0', b: '\uD800', c: 2 ** 53, d: { 'k\0': 1 } };
    expect(complaintsAbout({ metadata })).toHaveLength(4);
    expect(specWith({ metadata: JSON.parse('{"a": 1e400}') }).success).toBe(false);
  });

  it('has at most 8 levels and 32 KiB', () => {
    const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });
    expect(specWith({ metadata: nested(8) }).success).toBe(true);
    expect(complaintsAbout({ metadata: nested(9) })[0]).toContain('levels deep');
    expect(specWith({ metadata: sized(32_768 - 1) }).success).toBe(true);
    expect(complaintsAbout({ metadata: sized(32_768 + 1) })[0]).toContain('must not be larger than 32768 bytes');
  });

  it.each([null, [], 'text', 1])('is an object, not %j', metadata => {
    expect(specWith({ metadata }).success).toBe(false);
  });
});

describe('The check', () => {
  it.each([
    [{ kind: 'heartbeat' }, { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 }],
    [
      { kind: 'heartbeat', ttlSeconds: null },
      { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 },
    ],
    [{}, { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 }],
    [{ kind: 'none' }, { kind: 'none', ttlSeconds: null, deregisterAfterSeconds: 900 }],
    [
      { kind: 'none', ttlSeconds: 5, deregisterAfterSeconds: 0 },
      { kind: 'none', ttlSeconds: 5, deregisterAfterSeconds: 0 },
    ],
  ])('%j means %j', (check, meaning) => expect(specWith({ check }).data?.check).toEqual(meaning));

  it.each([{ kind: 'nonsense' }, { kind: null }, 'heartbeat', null])('cannot be %j', check => {
    expect(specWith({ check }).success).toBe(false);
  });

  it.each([{ ttlSeconds: 0 }, { ttlSeconds: 86_401 }, { ttlSeconds: 1.5 }, { deregisterAfterSeconds: -1 }, { x: 1 }])(
    'cannot have %j',
    differing => expect(specWith({ check: { kind: 'heartbeat', ...differing } }).success).toBe(false),
  );
});

describe('An identity', () => {
  it('is one text, and can be taken from whatever has it', () => {
    const identity = { namespace: 'default', service: 'orders', instanceId: 'a' };
    expect(identityOf({ ...aSpec(), ...identity })).toEqual(identity);
    expect(identityKey(identity)).toBe('default/orders/a');
  });
});
