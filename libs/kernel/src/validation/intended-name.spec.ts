import { describe, expect, it } from 'vitest';
import { meantName } from './intended-name.js';

const QUERY = [
  'namespace',
  'status',
  'type',
  'environment',
  'region',
  'host',
  'zone',
  'appVersion',
  'tag',
  'capability',
  'metadata',
  'filter',
  'consistency',
  'minRevision',
  'since',
  'waitSeconds',
  'asOf',
];
const BODY = [
  'namespace',
  'service',
  'instanceId',
  'host',
  'port',
  'url',
  'weight',
  'ttlSeconds',
  'deregisterAfterSeconds',
];
const STATUSES = [
  'healthy',
  'degraded',
  'unhealthy',
  'starting',
  'unknown',
  'maintenance',
  'stopping',
  'stopped',
  'any',
];

describe('The name that was meant', () => {
  it.each([
    ['wait', 'waitSeconds'],
    ['wait_seconds', 'waitSeconds'],
    ['Wait-Seconds', 'waitSeconds'],
    ['seconds', 'waitSeconds'],
    ['STATUS', 'status'],
    ['statuses', 'status'],
    ['satus', 'status'],
    ['sttaus', 'status'],
    ['version', 'appVersion'],
    ['env', 'environment'],
    ['tags', 'tag'],
    ['capabilities', 'capability'],
    ['meta', 'metadata'],
    ['filters', 'filter'],
    ['as-of', 'asOf'],
    ['minrev', 'minRevision'],
    ['znoe', 'zone'],
    ['hostname', 'host'],
    ['namespce', 'namespace'],
  ])('of a parameter %s is %s', (written, meant) => {
    expect(meantName(written, QUERY)).toBe(meant);
  });

  it.each([
    ['id', 'instanceId'],
    ['instanceIds', 'instanceId'],
    ['instance_id', 'instanceId'],
    ['instanceID', 'instanceId'],
    ['ttl', 'ttlSeconds'],
    ['serviceName', 'service'],
    ['prot', 'port'],
    ['URL', 'url'],
    ['deregisterAfter', 'deregisterAfterSeconds'],
  ])('of a member %s is %s', (written, meant) => {
    expect(meantName(written, BODY)).toBe(meant);
  });

  it('is rather one with two letters swapped, or in the plural, than one that is as near otherwise', () => {
    expect(meantName('fromat', ['from', 'to', 'format'])).toBe('format');
    expect(meantName('id', ['ids', 'instances'])).toBe('ids');
  });

  it.each([
    ['helthy', 'healthy'],
    ['HEALTHY', 'healthy'],
    ['unhealty', 'unhealthy'],
    ['stoped', 'stopped'],
    ['maintainance', 'maintenance'],
  ])('of a status %s is %s', (written, meant) => {
    expect(meantName(written, STATUSES)).toBe(meant);
  });

  it.each([
    ['limit', QUERY],
    ['order', QUERY],
    ['q', QUERY],
    ['x', BODY],
    ['colour', QUERY],
    ['page', QUERY],
    ['ip', QUERY],
    // Two names begin or end so.
    ['after', ['afterRevision', 'afterTime']],
    ['name', ['firstName', 'lastName']],
    ['down', STATUSES],
    ['', QUERY],
    ['__proto__', QUERY],
    ['constructor', QUERY],
    ['w'.repeat(10_000), QUERY],
    ['wait', []],
  ])('of %.20s may be nothing that is known', (written, known) => {
    expect(meantName(written, known)).toBeUndefined();
  });
});
