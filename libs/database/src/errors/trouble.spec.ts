import { InvalidCursorError, StoreUnavailableError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { ConnectFailedError } from '../connections/database-client.js';
import { isPassing, Troubles, troubleOf } from './trouble.js';

const SECRET = 'postgres://pcs:secret@db.internal:5432/pcs select * from hidden';
const withCode = (code: string | undefined, differing: object = {}) =>
  Object.assign(new Error(SECRET), { code, ...differing });

describe('troubleOf', () => {
  it.each([
    ['42501', /lacks a privilege/],
    ['42P01', /run the migrations/],
    ['28P01', /refuses the log-in/],
    ['3D000', /no database of this name/],
    ['53300', /no more connections/],
    ['53100', /disk .* is full/],
    ['25006', /only reads/],
    ['57P03', /starting, shutting down/],
    ['08P01', /pooler/],
    ['XX001', /damaged/],
    ['ECONNREFUSED', /Nothing listens/],
    ['EAI_AGAIN', /cannot be resolved/],
    ['ENOTFOUND', /cannot be resolved/],
    ['CERT_HAS_EXPIRED', /has expired/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /not trusted/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /not trusted/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /another host/],
  ])('tells %s by a sentence of ours, and nothing of what was said or asked', (code, said) => {
    const severity = /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE' ? { severity: 'ERROR' } : {};
    const error = withCode(code, severity);
    const told = troubleOf(new StoreUnavailableError({ cause: new ConnectFailedError(error) }));
    expect(told).toEqual({ code, message: expect.stringMatching(said) as string });
    expect(troubleOf(error)).toEqual(told);
    expect(JSON.stringify(told)).not.toMatch(/secret|hidden|internal/);
  });

  it.each([
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', /refuses the log-in/],
    ['The server does not support SSL connections', /the server has none/],
    ['There was an error establishing an SSL connection', /TLS failed/],
    ['Connection terminated unexpectedly', /was broken/],
    ['timeout exceeded when trying to connect', /in time/],
    ['No answer within 500 ms.', /in time/],
    ['received invalid response: 48', /does not speak as a PostgreSQL server/],
  ])('knows the driver by its words: %s', (message, said) => {
    expect(troubleOf(new Error(message))).toEqual({ message: expect.stringMatching(said) as string });
  });

  it('repeats no code that is none', () => {
    expect(troubleOf(withCode('postgres://pcs:secret@db'))).not.toHaveProperty('code');
  });

  it('looks into the failures of all addresses of a host', () => {
    const several = new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]);
    expect(troubleOf(new ConnectFailedError(Object.assign(several, { code: 'ECONNREFUSED' })))).toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  it('knows what passes by itself', () => {
    for (const code of ['40001', '40P01', '55P03', '57014', '25P03'])
      expect(isPassing({ code, message: '' })).toBe(true);
    for (const code of ['42501', '53300', '57P01', '25006', undefined]) {
      expect(isPassing({ ...(code && { code }), message: '' })).toBe(false);
    }
  });
});

describe('Troubles', () => {
  it('are present for a moment, and told for longer', () => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const troubles = new Troubles(() => new Date(now));
    troubles.failed(withCode('42501', { severity: 'ERROR' }));
    expect(troubles.present).toMatchObject({ code: '42501', at: '2026-01-01T00:00:00.000Z' });
    now += 9_000;
    expect(troubles.present).toMatchObject({ code: '42501' });
    now += 2_000;
    expect(troubles.present).toBeUndefined();
    expect(troubles.recent).toMatchObject({ code: '42501' });
    now += 60_000;
    expect(troubles.recent).toBeUndefined();
  });

  it('that pass by themselves are told, and never present; mistakes of ours are none', () => {
    const troubles = new Troubles();
    troubles.failed(withCode('57014', { severity: 'ERROR' }));
    expect(troubles.present).toBeUndefined();
    expect(troubles.recent).toMatchObject({ code: '57014' });
    const none = new Troubles();
    for (const error of [withCode('42601'), new TypeError('x'), new InvalidCursorError()]) none.failed(error);
    expect(none.recent).toBeUndefined();
  });
});
