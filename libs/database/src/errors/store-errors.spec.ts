import { ConnectionException } from '@mikro-orm/core';
import { describe, expect, it } from 'vitest';
import { InvalidCursorError, StoreUnavailableError } from '@coordination/kernel';
import { ConnectFailedError } from '../connections/database-client.js';
import { isStoreUnavailable, mapStoreErrors } from './store-errors.js';

const withCode = (code: string | undefined, differing: object = {}): Error =>
  Object.assign(new Error('select secret from hidden'), { code, ...differing });

describe('isStoreUnavailable', () => {
  it.each(
    // prettier-ignore
    [
      '08006', '08P01', '0A000', '25006', '25P01', '25P02', '25P03', '25P04', '26000', '28000', '28P01', '34000', '3D000',
      '3F000', '40001', '40P01', '42501', '42703', '42704', '42809', '42883', '42P01', '42P05', '42P10', '53000', '53100',
      '53200', '53300', '55000', '55006', '55P03', '57014', '57P01', '57P02', '57P03', '57P05', '58030', '58P01', '72000',
      'F0000', 'XX000', 'XX001', 'XX002',
    ],
  )('takes SQLSTATE %s for a database that cannot be asked', code =>
    expect(isStoreUnavailable(withCode(code))).toBe(true),
  );

  it.each(['22P02', '23505', '23514', '42601', '42804', '42702', '25001', '21000', '54000', '54023', 'P0001'])(
    'takes SQLSTATE %s for a statement that is wrong',
    code => expect(isStoreUnavailable(withCode(code, { constraint: 'some_rule' }))).toBe(false),
  );

  it('takes whatever ends the session for a server that cannot be asked', () => {
    for (const severity of ['FATAL', 'PANIC']) expect(isStoreUnavailable(withCode('22023', { severity }))).toBe(true);
    expect(isStoreUnavailable(withCode('22023', { severity: 'ERROR' }))).toBe(false);
  });

  it('takes a row without a partition for the state of the log, and no transaction ids for that of the server', () => {
    expect(isStoreUnavailable(withCode('23514'))).toBe(true);
    expect(isStoreUnavailable(withCode('54000', { routine: 'GetNewTransactionId' }))).toBe(true);
    expect(isStoreUnavailable(withCode('54000', { routine: '_bt_check_third_page' }))).toBe(false);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EPROTO', 'CERT_HAS_EXPIRED', 'ERR_SSL_X'])(
    'takes %s for a database that cannot be reached',
    code => expect(isStoreUnavailable(withCode(code))).toBe(true),
  );

  it.each([
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'HOSTNAME_MISMATCH',
    'INVALID_PURPOSE',
    '42601',
    undefined,
  ])('takes whatever happens before there is a connection for the state of the database: %s', code => {
    const error = withCode(code);
    expect(isStoreUnavailable(new ConnectFailedError(error))).toBe(true);
    // MikroORM makes an error of its own of it, with the properties of the first one.
    expect(isStoreUnavailable(new ConnectionException(new ConnectFailedError(error)))).toBe(true);
  });

  it.each([
    'Connection terminated unexpectedly',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'received invalid response: 48',
    'Received unexpected dataRow message from backend.',
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

describe('mapStoreErrors', () => {
  it('gives what the work gives', async () => {
    await expect(mapStoreErrors(() => Promise.resolve(7))).resolves.toBe(7);
  });

  it('hides the statement, and keeps the error as the cause', async () => {
    const cause = withCode('57P01');
    const error = await mapStoreErrors(() => Promise.reject(cause)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect((error as Error).message).not.toContain('secret');
    expect((error as Error).cause).toBe(cause);
  });

  it('passes everything else as it is', async () => {
    for (const error of [new InvalidCursorError(), new StoreUnavailableError(), withCode('42601')]) {
      await expect(mapStoreErrors(() => Promise.reject(error))).rejects.toBe(error);
    }
  });
});
