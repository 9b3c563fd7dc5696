import { describe, expect, it } from 'vitest';
import { InvalidFilterError } from '@coordination/kernel';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { createFilterParser } from '../filter/parse-filter.js';
import { patternMeter } from './pattern-meter.js';
import { matcher, type Selection } from './selection.js';

const parse = createFilterParser();

function selectionOf(filter: string): Selection {
  const parsed = parse(filter);
  if ('complaint' in parsed) throw new Error(parsed.complaint);
  return { statuses: 'any', where: parsed.expression };
}

const record = anInstance({
  namespace: 'shop',
  service: 'orders',
  instanceId: 'orders-1',
  type: 'worker',
  scheme: 'grpc',
  host: '10.0.3.17',
  port: 8080,
  zone: null,
  weight: 50,
  metadata: {
    version: '2.10.0',
    tags: { team: 'checkout', empty: '' },
    capabilities: ['refund', 'pay'],
    number: 1,
    text: '1',
    yes: true,
    nothing: null,
    list: [1, 'a', null, [2]],
    object: { '0': 'zero', 'a.b': { c: 'deep' } },
    none: [],
    bare: {},
    emoji: '😀',
    long: `${'x'.repeat(256)}end`,
    lines: 'one\ntwo',
  },
});

const holds = (filter: string) => matcher(selectionOf(filter))(record);

describe('a filter', () => {
  it.each([
    'namespace == "shop" and service == "orders" and instanceId == "orders-1"',
    'type == "worker" and scheme == "grpc" and status == "healthy"',
    'status != "unhealthy" and type not in ["api", "cache"]',
    'host == "10.0.3.17" and host contains "3.1" and "10." in host',
    'port == 8080 and port > 8079.5 and port < 1e4 and port in [1, 8080]',
    'weight >= 50 and weight <= 50 and not weight > 50 and not weight < 50',
    'zone == null and zone is empty and zone != "a" and zone in ["a", null]',
    'not zone < "a" and not zone >= ""',
    'service > "order" and service < "orders0" and service >= "orders"',
    'metadata.number == 1.0 and metadata.number != "1" and metadata.text == "1" and metadata.text != 1',
    'metadata.yes == true and metadata.yes != "true" and metadata.yes != 1',
    'metadata.nothing == null and metadata.nothing is empty',
    'metadata.absent != null and metadata.absent is empty and metadata.absent != 1 and metadata.absent not in [1]',
    'not metadata.absent < 1 and not metadata.absent >= 1 and metadata.absent not contains "a"',
    'metadata.absent not matches ""',
    'not metadata.text < 2 and not metadata.number < "2" and not metadata.list > 0 and not metadata.yes > 0',
    'metadata.version < "2.9" ', // texts are compared as texts
    'metadata.emoji > "\\uff5e" and metadata.emoji > "～"', // by code point, not as UTF-16 is
    'metadata.list contains 1 and "a" in metadata.list and null in metadata.list',
    'metadata.list not contains "1" and 2 not in metadata.list and true not in metadata.list',
    'metadata.list != 1 and metadata.list["0"] is empty and metadata.list.0 != 1',
    'metadata.object["0"] == "zero" and metadata.object["a.b"].c == "deep" and metadata.object.a.b != "deep"',
    '"a.b" in metadata.object and "a" not in metadata.object and 0 not in metadata.object',
    'metadata contains "list" and metadata is not empty and "absent" not in metadata',
    '"constructor" not in metadata and metadata.constructor is empty and metadata.__proto__.constructor is empty',
    'metadata.text.length is empty and metadata.list.length is empty',
    'metadata.none is empty and metadata.bare is empty and tags.empty is empty and metadata.number is not empty',
    'metadata.yes is not empty and metadata.list is not empty and metadata.object is not empty',
    'tags.team == "checkout" and "team" in tags and "empty" in tags and tags not contains "other" and tags is not empty',
    'capabilities contains "pay" and "refund" in capabilities and "ref" not in capabilities',
    'service matches "^ord" and service matches "er" and service not matches "^er" and service matches "(?i)^ORDERS$"',
    'metadata.number not matches "1" and metadata.list not matches "." and metadata.text matches "1"',
    'metadata.long not matches "end" and metadata.long matches "^x{100}" and metadata.long contains "end"',
    'metadata.lines not matches "one.two" and metadata.lines matches "(?s)one.two" and metadata.lines matches "(?m)^two$"',
    'not (service == "x" or zone == "y") and (service == "x" or not zone == "y")',
  ])('is true: %s', filter => {
    expect(holds(filter)).toBe(true);
    expect(holds(`not (${filter})`)).toBe(false);
  });

  it('tests a status like the parameter', () => {
    const selection = { ...selectionOf('status == "healthy"'), statuses: ['degraded'] as const };
    expect(matcher(selection)(record)).toBe(false);
    expect(matcher({ ...selection, statuses: ['healthy'] })(record)).toBe(true);
  });
});

describe('patterns', () => {
  it('may not cost more than an answer is worth', () => {
    const matches = matcher(selectionOf('metadata.long matches "(x+x+)+y"'), patternMeter(10_000));
    const tryAll = () => Array.from({ length: 100 }, () => matches(record));
    expect(tryAll).toThrow(InvalidFilterError);
    const cheap = matcher(selectionOf('service == "x" and metadata.long matches "(x+x+)+y"'), patternMeter(10_000));
    expect(Array.from({ length: 100 }, () => cheap(record))).not.toContain(true);
  });

  it('cost what is searched, not what exists', () => {
    const endless = anInstance({ metadata: { text: 'x'.repeat(30_000) } });
    const spent: number[] = [];
    matcher(selectionOf('metadata.text matches "y"'), steps => void spent.push(steps))(endless);
    expect(spent).toHaveLength(1);
    expect(spent[0]).toBeLessThan(2_000);
  });
});
