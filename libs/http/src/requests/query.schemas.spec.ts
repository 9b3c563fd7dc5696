import { toFieldErrors } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { queryCommaList, queryInteger, queryList, revisionNumber } from '../index.js';

const Query = z.strictObject({
  tag: queryList(z.string().min(1)),
  status: queryCommaList(z.enum(['up', 'down'])),
  limit: queryInteger(1, 1000).default(100),
  since: revisionNumber().optional(),
});

const badFields = (query: Record<string, unknown>) =>
  toFieldErrors(Query.safeParse(query).error?.issues ?? [], '/query').map(({ path, message }) => `${path} ${message}`);

describe('query parameters', () => {
  it('come as texts or lists of texts, or not at all', () => {
    expect(Query.parse({})).toEqual({ tag: [], limit: 100 });
    expect(Query.parse({ tag: 'a', status: 'up', limit: '7', since: '12' })).toEqual({
      tag: ['a'],
      status: ['up'],
      limit: 7,
      since: 12,
    });
    expect(Query.parse({ tag: ['a', 'b'], status: ['up,down', 'up'] })).toMatchObject({
      tag: ['a', 'b'],
      status: ['up', 'down', 'up'],
    });
  });

  it('are refused one by one, each in its place', () => {
    expect(badFields({ tag: ['a', ''], limit: '0', since: '1.5', colour: 'red' })).toEqual([
      expect.stringContaining('/query/tag/1 ') as string,
      '/query/limit must be at least 1',
      '/query/since must be a whole number',
      '/query/colour is not known here; known: tag, status, limit, since',
    ]);
    expect(badFields({ status: 'up,,down' })).toEqual([expect.stringContaining('/query/status/1 ') as string]);
    expect(badFields({ limit: ['1', '2'] })).toEqual([expect.stringContaining('/query/limit ') as string]);
    expect(badFields({ since: '9007199254740993' })).toEqual([
      expect.stringContaining('/query/since must be at most') as string,
    ]);
  });
});
