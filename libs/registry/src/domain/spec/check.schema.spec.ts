import { describe, expect, it } from 'vitest';
import { toFieldErrors } from '@coordination/kernel';
import { checkSchema } from './check.schema.js';
import { isExpectedStatus, statusRanges } from './expected-statuses.js';

const complaintsAbout = (check: object): string[] => {
  const parsed = checkSchema.safeParse(check);
  return parsed.success ? [] : toFieldErrors(parsed.error.issues, '').map(({ path, message }) => `${path} ${message}`);
};

const about = (headers: Record<string, string>) => complaintsAbout({ kind: 'http', headers });

const TERMS = {
  intervalSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 3,
  successThreshold: 1,
  ttlSeconds: null,
  deregisterAfterSeconds: 900,
};

describe('A check that probes', () => {
  it.each([
    [
      { kind: 'http' },
      { path: '/health', method: 'GET', expectedStatuses: '200-299', headers: {}, tlsVerify: true, ...TERMS },
    ],
    [{ kind: 'tcp' }, TERMS],
    [{ kind: 'grpc' }, { serviceName: '', tlsVerify: true, ...TERMS }],
  ])('has defaults: %j', (check, defaults) => expect(checkSchema.parse(check)).toEqual({ ...check, ...defaults }));

  it('has a timeout that fits its interval', () => {
    expect(checkSchema.parse({ kind: 'tcp', intervalSeconds: 5 })).toMatchObject({ timeoutSeconds: 5 });
    expect(complaintsAbout({ kind: 'tcp', intervalSeconds: 5, timeoutSeconds: 6 })).toEqual([
      '/timeoutSeconds must not be longer than intervalSeconds',
    ]);
  });

  it.each([
    { intervalSeconds: 0 },
    { intervalSeconds: 3_601 },
    { timeoutSeconds: 0 },
    { timeoutSeconds: 1.5 },
    { failureThreshold: 0 },
    { successThreshold: 101 },
    { path: '/health' },
    { ttlSeconds: 0 },
  ])('of tcp cannot have %j', terms => expect(complaintsAbout({ kind: 'tcp', ...terms })).toHaveLength(1));

  it.each(['/', '/health?deep=1&x=%20', '//twice', '/a/../b'])('of http may ask for %s', path => {
    expect(complaintsAbout({ kind: 'http', path })).toEqual([]);
  });

  it.each(['', 'health', 'http://other/', '/a b', '/a\r\nX: y', '/ä', '/a#b', '/\u0000', `/${'x'.repeat(1_000)}`])(
    'of http cannot ask for %j',
    path => expect(complaintsAbout({ kind: 'http', path })).toHaveLength(1),
  );

  it.each(['POST', 'get', 'DELETE'])('of http cannot use %s', method => {
    expect(complaintsAbout({ kind: 'http', method })).toHaveLength(1);
  });

  it.each(['has space', 'a..b!', 'x'.repeat(201), '\u0000'])('of grpc cannot ask about %j', serviceName => {
    expect(complaintsAbout({ kind: 'grpc', serviceName })).toHaveLength(1);
  });
});

describe('Expected statuses', () => {
  it.each([
    ['200', [200], [199, 201]],
    ['200-299', [200, 204, 299], [199, 300, 101]],
    ['200,301-303,404', [200, 301, 303, 404], [201, 300, 304, 403]],
    ['500-599', [500, 599], [600, 200]],
  ])('%s', (text, expected, others) => {
    expect(expected.filter(status => !isExpectedStatus(status, text))).toEqual([]);
    expect(others.filter(status => isExpectedStatus(status, text))).toEqual([]);
  });

  it.each(['', '2xx', '200-', '-299', '299-200', '200,', '100', '600', '0200', '200 - 299', '200;201', '٢٠٠'])(
    'cannot be %j',
    text => {
      expect(statusRanges(text)).toBeUndefined();
      expect(isExpectedStatus(200, text)).toBe(false);
      expect(complaintsAbout({ kind: 'http', expectedStatuses: text })).toHaveLength(1);
    },
  );
});

describe('Headers of a check', () => {
  it('are kept by their names in lower case', () => {
    const check = checkSchema.parse({ kind: 'http', headers: { 'X-Probe': 'yes, please', Accept: '' } });
    expect(check).toMatchObject({ headers: { 'x-probe': 'yes, please', accept: '' } });
  });

  it.each([
    'Host',
    'Connection',
    'Transfer-Encoding',
    'Content-Length',
    'Upgrade',
    'Proxy-Authenticate',
    'Expect',
    'TE',
  ])('cannot say how the request is carried: %s', name =>
    expect(about({ [name]: 'x' }).join()).toMatch(/the HTTP client sets it/),
  );

  it.each(['Authorization', 'Cookie', 'X-Api-Key', 'X-Auth-Token'])('cannot be secrets: %s', name => {
    expect(about({ [name]: 'x' }).join()).toMatch(/every reader of the catalog/);
  });

  it.each(['', 'a b', 'ä', 'a:b', 'a\nb', 'x'.repeat(101)])('cannot be named %j', name => {
    expect(about({ [name]: 'x' })).toHaveLength(1);
  });

  it.each(['a\r\nX: y', 'a\nb', '\u0000', 'ä', ' a', 'a ', 'x'.repeat(1_001)])('cannot have the value %j', value => {
    expect(about({ 'x-probe': value })).toHaveLength(1);
  });

  it('cannot be one and the same, nor too many', () => {
    expect(about({ 'X-Probe': 'a', 'x-probe': 'b' }).join()).toMatch(/occurs twice/);
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'x']));
    expect(about(many)).toEqual(['/headers must not be more than 20']);
  });
});
