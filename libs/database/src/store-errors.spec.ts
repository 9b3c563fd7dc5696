import { describe, expect, it } from 'vitest';
import { InvalidCursorError, StoreUnavailableError } from '@coordination/kernel';
import { isStoreUnavailable, orStoreUnavailable } from './store-errors.js';

const withCode = (code: string): Error => Object.assign(new Error('select secret from hidden'), { code });

describe('isStoreUnavailable', () => {
  it.each(['08006', '28P01', '3D000', '40001', '40P01', '53300', '57014', '57P01', '58030', '25P03', '25006', '55P03'])(
    'takes SQLSTATE %s for a database that cannot be asked',
    code => expect(isStoreUnavailable(withCode(code))).toBe(true),
  );

  it.each(['22P02', '23505', '42P01', '42501', '25001', 'P0001', 'XX000'])(
    'takes SQLSTATE %s for a statement that is wrong',
    code => expect(isStoreUnavailable(withCode(code))).toBe(false),
  );

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'CERT_HAS_EXPIRED'])(
    'takes %s for a database that cannot be reached',
    code => expect(isStoreUnavailable(withCode(code))).toBe(true),
  );

  it.each([
    'Connection terminated unexpectedly',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
  ])('knows the driver by its words: %s', message => expect(isStoreUnavailable(new Error(message))).toBe(true));

  it('looks into the failures of all addresses of a host', () => {
    expect(isStoreUnavailable(new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]))).toBe(true);
    expect(isStoreUnavailable(new AggregateError([withCode('ECONNREFUSED'), new TypeError('no')]))).toBe(false);
    expect(isStoreUnavailable(new AggregateError([]))).toBe(false);
  });

  it('leaves mistakes of our own alone', () => {
    expect(isStoreUnavailable(new TypeError('x is not a function'))).toBe(false);
    expect(isStoreUnavailable('Connection terminated')).toBe(false);
    expect(isStoreUnavailable(new InvalidCursorError())).toBe(false);
    expect(isStoreUnavailable(new StoreUnavailableError())).toBe(true);
  });
});

describe('orStoreUnavailable', () => {
  it('gives what the work gives', async () => {
    await expect(orStoreUnavailable(() => Promise.resolve(7))).resolves.toBe(7);
  });

  it('hides the statement, and keeps the error as the cause', async () => {
    const cause = withCode('57P01');
    const error = await orStoreUnavailable(() => Promise.reject(cause)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect((error as Error).message).not.toContain('secret');
    expect((error as Error).cause).toBe(cause);
  });

  it('passes everything else as it is', async () => {
    for (const error of [new InvalidCursorError(), new StoreUnavailableError(), withCode('42P01')]) {
      await expect(orStoreUnavailable(() => Promise.reject(error))).rejects.toBe(error);
    }
  });
});
