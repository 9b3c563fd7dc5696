import { describe, expect, it } from 'vitest';
import { HistoryUnsettledError, StoreUnavailableError } from './errors.js';
import { failureText } from './failure-text.js';

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });

describe('The text of a failure', () => {
  it('is the reason, however deep it lies', () => {
    const denied = withCode('permission denied for table liveness_guard', '42501');
    const expected = { message: 'permission denied for table liveness_guard', sqlState: '42501' };
    expect(failureText(denied)).toEqual(expected);
    expect(failureText(new StoreUnavailableError({ cause: denied }))).toEqual(expected);
    expect(failureText(new Error('a', { cause: new Error('b', { cause: denied }) }))).toEqual(expected);
    expect(failureText(new HistoryUnsettledError()).message).toContain('restored or failed over');
  });

  it('is that of the first address where a host has several', () => {
    const refused = withCode('connect ECONNREFUSED ::1:5432', 'ECONNREFUSED');
    const both = new AggregateError([refused, withCode('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED')]);
    expect(failureText(both)).toEqual({ message: 'connect ECONNREFUSED ::1:5432', sqlState: null });
    expect(failureText(new AggregateError([], 'nothing'))).toEqual({ message: 'nothing', sqlState: null });
  });

  it.each(['EPIPE', 'ECONNRESET', 'EAI_AGAIN', 'ERR_TLS_CERT_ALTNAME_INVALID'])('takes no %s for an SQLSTATE', code => {
    expect(failureText(withCode('', code))).toEqual({ message: code, sqlState: null });
  });

  it.each([['42501'], ['57P01'], ['XX000'], ['08006'], ['P0001']])('knows the SQLSTATE %s', code => {
    expect(failureText(withCode('no', code)).sqlState).toBe(code);
  });

  it.each([
    ['cannot connect to postgres://app:s3cret@db:5432/c', 'cannot connect to postgres://…@db:5432/c'],
    ['cannot connect to postgresql://app:s3@c/ret@db/c', 'cannot connect to postgresql://…@db/c'],
    ['bad option: password=s3cret host=db', 'bad option: password=… host=db'],
    [`bad option: password = 's3 cret'`, 'bad option: password = …'],
    ['see https://www.postgresql.org/docs', 'see https://www.postgresql.org/docs'],
    ['password authentication failed for user "app"', 'password authentication failed for user "app"'],
  ])('has no password in it: %s', (message, expected) => {
    expect(failureText(new Error(message)).message).toBe(expected);
  });

  it('has no value in it that somebody wanted to store', () => {
    const refused = withCode('invalid input syntax for type json: "{secret"', '22P02');
    expect(failureText(refused).message).toBe('invalid input syntax for type json: …');
  });

  it('is one line, and not a long one', () => {
    expect(failureText(new Error('one\n  two\tthree ')).message).toBe('one two three');
    expect(failureText(new Error('x'.repeat(10_000))).message).toHaveLength(301);
  });

  it('is there whatever was thrown', () => {
    const circle = new Error('a circle');
    circle.cause = circle;
    expect(failureText(circle).message).toBe('a circle');
    expect(failureText('text').message).toBe('text');
    expect(failureText(null).message).toBe('null');
    expect(failureText(undefined).message).toBe('undefined');
    expect(failureText(Object.create(null)).message).toBe('an error without a message');
    expect(failureText(new Error('', { cause: 'away' })).message).toBe('away');
    expect(failureText({ message: 7 }).message).toBe('[object Object]');
  });
});
