import { describe, expect, it } from 'vitest';
import { candidatesOf, parseResolvConf } from './resolv-conf.js';

const HERE = { hostname: 'node-1' };
const parse = (text: string, surroundings = {}) => parseResolvConf(text, { ...HERE, ...surroundings });

describe('A resolv.conf', () => {
  it('as Kubernetes writes it', () => {
    const text = `search prod.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
`;
    const config = parse(text);
    expect(config).toEqual({
      servers: ['10.96.0.10'],
      search: ['prod.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
      asksSingleLabels: true,
    });
    expect(candidatesOf('orders', config)).toEqual([
      'orders.prod.svc.cluster.local',
      'orders.svc.cluster.local',
      'orders.cluster.local',
      'orders',
    ]);
    expect(candidatesOf('api.example.org', config).at(-1), 'below ndots it is asked last').toBe('api.example.org');
  });

  it('may be empty', () => {
    expect(parse('')).toEqual({ servers: [], search: [], ndots: 1, asksSingleLabels: true });
    expect(candidatesOf('orders', parse(''))).toEqual(['orders']);
  });

  it('has comments, tabs, and lines that nobody knows', () => {
    const text =
      '# nameserver 192.0.2.1\n;search a\n\tnameserver\t192.0.2.2\r\nsortlist 10.0.0.0\nnameserver nonsense\n';
    expect(parse(text).servers).toEqual(['192.0.2.2']);
  });

  it('has at most three name servers of either family, as the resolver of the system', () => {
    const lines = ['192.0.2.1', '2001:db8::1', 'fe80::1%eth0', '192.0.2.4'].map(server => `nameserver ${server}`);
    expect(parse(lines.join('\n')).servers).toEqual(['192.0.2.1', '2001:db8::1', 'fe80::1%eth0']);
    expect(parse('nameserver 127.0.0.1:5300\nnameserver [::1]:53').servers).toEqual(['127.0.0.1:5300', '[::1]:53']);
  });

  it.each([
    ['search a.test\nsearch b.test', ['b.test']],
    ['search a.test\ndomain b.test', ['b.test']],
    ['domain a.test b.test', ['a.test']],
    ['search A.Test.', ['a.test']],
    ['search .', ['']],
  ])('%j searches %j', (text, search) => expect(parse(text).search).toEqual(search));

  it('without a search list has the domain of the machine', () => {
    expect(parse('', { hostname: 'node-1.example.org' }).search).toEqual(['example.org']);
    expect(parse('search a.test', { hostname: 'node-1.example.org' }).search).toEqual(['a.test']);
  });

  it('yields to the variables LOCALDOMAIN and RES_OPTIONS', () => {
    const { search, ndots } = parse('search a.test\noptions ndots:2', {
      localDomain: 'b.test c.test',
      options: 'ndots:3',
    });
    expect([search, ndots]).toEqual([['b.test', 'c.test'], 3]);
  });

  it.each([
    ['options ndots:0', 0],
    ['options rotate ndots:2\noptions timeout:1', 2],
    ['options ndots:99', 15],
    ['options ndots:x', 1],
  ])('%j has ndots %d', (text, ndots) => expect(parse(text).ndots).toBe(ndots));
});

describe('Names to be asked', () => {
  const config = { servers: [], search: ['a.test', 'b.test'], ndots: 2, asksSingleLabels: true };

  it.each([
    ['x', ['x.a.test', 'x.b.test', 'x']],
    ['x.y', ['x.y.a.test', 'x.y.b.test', 'x.y']],
    ['x.y.z', ['x.y.z', 'x.y.z.a.test', 'x.y.z.b.test']],
    ['x.', ['x']],
    ['x.y.z.', ['x.y.z']],
  ])('of %s', (host, names) => expect(candidatesOf(host, config)).toEqual(names));

  it('do not contain a single label with no-tld-query, unless there is nothing to search', () => {
    const strict = { ...config, asksSingleLabels: false };
    expect(candidatesOf('x', strict)).toEqual(['x.a.test', 'x.b.test']);
    expect(candidatesOf('x.y', strict).at(-1)).toBe('x.y');
    expect(candidatesOf('x', { ...strict, search: [] })).toEqual(['x']);
  });

  it('contain each name once: the root in the search list is the name itself', () => {
    expect(candidatesOf('x', { ...config, search: ['', 'a.test'] })).toEqual(['x', 'x.a.test']);
  });
});
