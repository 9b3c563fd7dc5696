import { describe, expect, it } from 'vitest';
import { SilentNameServerError, UnknownNameError } from '../names/name-errors.js';
import { nodeFaultOf } from './node-faults.js';

const failing = (code: string, address = '192.0.2.1') => Object.assign(new Error(code), { code, address });
const both = (...codes: string[]) => new AggregateError(codes.map(code => failing(code)));
const status = (details: string) => Object.assign(new Error(`14 UNAVAILABLE: ${details}`), { code: 14, details });
const routed = async () => true;
const unrouted = async () => false;

describe('An error of a probe', () => {
  it.each([
    ['EMFILE', 'descriptors'],
    ['ENFILE', 'descriptors'],
    ['ENOBUFS', 'memory'],
    ['ENOMEM', 'memory'],
    ['EADDRNOTAVAIL', 'local-address'],
    ['EPERM', 'local-filter'],
    ['EACCES', 'local-filter'],
    ['ENETDOWN', 'route'],
    ['EAI_AGAIN', 'dns'],
  ])('%s is what this node lacks: %s', async (code, fault) => {
    expect(await nodeFaultOf(failing(code), routed)).toBe(fault);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EPIPE', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    '%s is of the instance',
    async code => expect(await nodeFaultOf(failing(code), unrouted)).toBeUndefined(),
  );

  it.each(['ENETUNREACH', 'EHOSTUNREACH'])('%s is of this node only if this machine has no route', async code => {
    expect(await nodeFaultOf(failing(code), unrouted)).toBe('route');
    expect(await nodeFaultOf(failing(code), routed), 'a dead machine would never be unhealthy').toBeUndefined();
    expect(await nodeFaultOf(failing(code, 'no address'), unrouted)).toBeUndefined();
  });

  it('of several addresses is of this node only if that of each is', async () => {
    expect(await nodeFaultOf(both('ENETUNREACH', 'EMFILE'), unrouted)).toBe('route');
    expect(await nodeFaultOf(both('ENETUNREACH', 'ECONNREFUSED'), unrouted)).toBeUndefined();
  });

  it('of a name is of this node if no name server answered, and of the instance if one did', async () => {
    expect(await nodeFaultOf(new SilentNameServerError('a.test', 'ETIMEOUT'))).toBe('dns');
    expect(await nodeFaultOf(new UnknownNameError('a.test'))).toBeUndefined();
  });

  it('behind a status of gRPC counts as the error of its connection', async () => {
    const last = (error: string) => status(`No connection established. Last error: ${error}`);
    expect(await nodeFaultOf(last('Error: connect EMFILE 10.0.0.1:80 - Local (undefined:undefined)'))).toBe(
      'descriptors',
    );
    expect(await nodeFaultOf(last('connect ECONNREFUSED 10.0.0.1:80'))).toBeUndefined();
    expect(await nodeFaultOf(status('the server says EMFILE')), 'a server can make its failures void').toBeUndefined();
  });

  it.each([undefined, null, 'text', new Error('plain'), {}])('that is %s is of the instance', async error => {
    expect(await nodeFaultOf(error)).toBeUndefined();
  });

  it('on loopback is never for want of a route', async () => {
    expect(await nodeFaultOf(failing('EHOSTUNREACH', '127.0.0.1'))).toBeUndefined();
  });
});
