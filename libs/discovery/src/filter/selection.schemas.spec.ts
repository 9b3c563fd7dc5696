import { describe, expect, it } from 'vitest';
import { DomainError } from '@coordination/kernel';
import { z } from 'zod';
import { FILTER_PARAMETERS, toSelection } from './selection.schemas.js';
import { EVERYTHING, matcherBesideStatus, statusTest } from '../selection/selection.js';
import { anInstance } from '../../../../test/support/catalog/factories.js';

const filters = z.strictObject(FILTER_PARAMETERS);

const select = (query: Record<string, unknown>) => toSelection(filters.parse(query), ['healthy']);

/** Whether a filter by a host selects an instance that has one. */
const matches = (host: string, stored: string) => matcherBesideStatus(select({ host }))(anInstance({ host: stored }));

const refusalOf = (query: Record<string, unknown>) => {
  try {
    select(query);
  } catch (error) {
    if (error instanceof DomainError) return { code: error.code, paths: error.extras.errors?.map(({ path }) => path) };
    throw error;
  }
  return undefined;
};

describe('the filters of a request', () => {
  it('select everything of the default status when there are none', () => {
    expect(select({})).toEqual({ ...EVERYTHING, statuses: ['healthy'] });
  });

  it('mean the same selection whatever the order of the statuses, and any beats all others', () => {
    expect(select({ status: 'unhealthy,degraded' })).toEqual(select({ status: ['degraded', 'unhealthy'] }));
    expect(select({ status: 'degraded,any' }).statuses).toBe('any');
  });

  it('take a host in any spelling, and in the one given, in which it may be stored', () => {
    expect(matches('2001:DB8:0::1', '2001:db8::1')).toBe(true);
    expect(matches('::ffff:10.0.3.17', '10.0.3.17')).toBe(true);
    expect(matches('2001:db8:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:1')).toBe(true);
    expect(matches('fe80::1%eth0', 'fe80::1%eth0')).toBe(true);
    expect(matches('2001:db8::1', '2001:db8::2')).toBe(false);
  });

  it('take = in the value of a tag, and keys of any name', () => {
    expect(select({ tag: ['a=b=c', 'key', '__proto__=x'] })).toMatchObject({
      where: {
        kind: 'and',
        terms: [
          { kind: 'within-metadata', wanted: { tags: { a: 'b=c' } } },
          { kind: 'present', of: ['metadata', 'tags', 'key'] },
          { kind: 'within-metadata', wanted: JSON.parse('{"tags": {"__proto__": "x"}}') as unknown },
        ],
      },
    });
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['a range that is none', { appVersion: 'newest' }, ['/query/appVersion']],
    ['a tag without a key', { tag: ['ok', '=x'] }, ['/query/tag/1']],
    ['no JSON', { metadata: '{' }, ['/query/metadata']],
    ['an array', { metadata: '[1]' }, ['/query/metadata']],
    ['null', { metadata: 'null' }, ['/query/metadata']],
    ['U+0000', { metadata: '{"a": "x\\u0000"}' }, ['/query/metadata/a']],
    ['half a surrogate pair', { metadata: '{"a": ["\\ud800"]}' }, ['/query/metadata/a/0']],
    ['a key named __proto__', { metadata: '{"a": {"__proto__": 1}}' }, ['/query/metadata/a']],
    ['a number that no double is', { metadata: '{"a": 1e400}' }, ['/query/metadata/a']],
    ['an integer that would be changed', { metadata: '{"a": 9007199254740993}' }, ['/query/metadata/a']],
    [
      'deep nesting',
      { metadata: `{"a": ${'['.repeat(1_000)}${']'.repeat(1_000)}}` },
      [`/query/metadata/a${'/0'.repeat(7)}`],
    ],
    ['too many values', { metadata: JSON.stringify({ a: Array(200).fill(1) }) }, ['/query/metadata']],
    ['several at once', { metadata: '1', appVersion: '!' }, ['/query/appVersion', '/query/metadata']],
  ])('are refused with the place of what is wrong: %s', (_, query, paths) => {
    expect(refusalOf(query)).toEqual({ code: 'INVALID_FILTER', paths });
  });

  it.each<[string, Record<string, unknown>]>([
    ['an unknown status', { status: 'fine' }],
    ['an empty status', { status: '' }],
    ['an unknown type', { type: 'toaster' }],
    ['an empty zone', { zone: '' }],
    ['an endless text', { environment: 'x'.repeat(1_001) }],
    ['an endless range', { appVersion: '1 || '.repeat(100) }],
    ['half a surrogate pair', { region: '\ud800' }],
    ['endless metadata', { metadata: `{"a": "${'x'.repeat(5_000)}"}` }],
    ['too many tags', { tag: Array(51).fill('a') }],
    ['a parameter that does not exist yet', { consistency: 'strong' }],
    ['two of what can be but one', { zone: ['a', 'b'] }],
  ])('are not valid: %s', (_, query) => expect(filters.safeParse(query).success).toBe(false));
});

describe('a selection', () => {
  const record = anInstance({
    type: 'worker',
    zone: 'eu-1a',
    metadata: {
      version: '2.4.1',
      environment: 'prod',
      region: 'eu',
      tags: { team: 'checkout', empty: '' },
      capabilities: ['refund', 'pay'],
      deep: { list: [{ n: 1 }, 2] },
    },
  });

  it.each<Record<string, unknown>>([
    { type: 'worker' },
    { zone: 'eu-1a' },
    { environment: 'prod', region: 'eu' },
    { appVersion: '^2.4.0' },
    { appVersion: '<2 || >=2.4.1' },
    { tag: ['team=checkout', 'empty', 'empty='] },
    { capability: ['pay', 'refund'] },
    { metadata: '{"deep": {"list": [2, {"n": 1}]}}' },
  ])('has what %j says', query => expect(matcherBesideStatus(select(query))(record)).toBe(true));

  it.each<Record<string, unknown>>([
    { type: 'api' },
    { zone: 'eu-1' },
    { environment: 'prod', region: 'us' },
    { appVersion: '>2.4.1' },
    { tag: ['team=checkout', 'missing'] },
    { tag: 'team=Checkout' },
    { tag: 'constructor' },
    { capability: ['pay', 'fly'] },
    { metadata: '{"deep": {"list": [3]}}' },
  ])('has not what %j says', query => expect(matcherBesideStatus(select(query))(record)).toBe(false));

  it('has versions that are none in no range, not even in *', () => {
    const odd = anInstance({ metadata: { version: 'yesterday' } });
    expect(matcherBesideStatus(select({ appVersion: '*' }))(odd)).toBe(false);
    expect(matcherBesideStatus(select({ appVersion: '*' }))(anInstance({ metadata: {} }))).toBe(false);
  });

  it('keeps the status apart from the other conditions', () => {
    expect(statusTest(select({ status: 'maintenance' }))('maintenance')).toBe(true);
    expect(statusTest(select({ status: 'maintenance' }))('healthy')).toBe(false);
    expect(statusTest(select({ status: 'any' }))('stopped')).toBe(true);
  });
});
