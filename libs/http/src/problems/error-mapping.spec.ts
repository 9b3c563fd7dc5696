import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { QueueFullError, StaleViewError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { toDomainError } from './error-mapping.js';
import { describeProblem } from './problem.js';

const request = {
  method: 'PATCH',
  url: '/things/1?token=secret',
  headers: { 'content-type': 'text/plain' },
  endpoint: undefined,
};
const fastifyError = (code: string, statusCode: number) => Object.assign(new Error('inside'), { code, statusCode });

describe('failures become problems', () => {
  it.each([
    ['our own', new QueueFullError(3), 'QUEUE_FULL'],
    ['no route', new NotFoundException(), 'ROUTE_NOT_FOUND'],
    ['too large', new HttpException('x', 413), 'PAYLOAD_TOO_LARGE'],
    ['not JSON', new HttpException('x', 415), 'UNSUPPORTED_MEDIA_TYPE'],
    ['some other 4xx', new BadRequestException('select 1'), 'VALIDATION_FAILED'],
    [
      'a wrapped one',
      new HttpException('x', 400, { cause: fastifyError('FST_ERR_CTP_INVALID_CONTENT_LENGTH', 400) }),
      'MALFORMED_JSON',
    ],
    ['a bad URL', fastifyError('FST_ERR_BAD_URL', 400), 'VALIDATION_FAILED'],
    ['a long segment', fastifyError('FST_ERR_MAX_PARAM_LENGTH', 414), 'VALIDATION_FAILED'],
    ['a caller who went away', fastifyError('ECONNRESET', 400), 'MALFORMED_JSON'],
    ['a 5xx of a library', new HttpException('select 1', 502), 'INTERNAL_ERROR'],
    ['a bug', new TypeError('select 1'), 'INTERNAL_ERROR'],
    ['no error at all', 'thrown text', 'INTERNAL_ERROR'],
  ])('%s', (_what, failure, code) => {
    const error = toDomainError(failure, request);
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('select');
    expect(error.message).not.toContain('secret');
  });

  it('with Retry-After where another try makes sense', () => {
    const { status, headers, body } = describeProblem(new StaleViewError(700, 600), { requestId: 'r', path: '/x' });
    expect({ status, headers }).toEqual({ status: 503, headers: { 'retry-after': '5' } });
    expect(body).toMatchObject({ code: 'STALE_VIEW', type: '/docs/errors/STALE_VIEW', requestId: 'r', instance: '/x' });
  });
});
