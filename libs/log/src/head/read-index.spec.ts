import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type LogHead } from '../events/log-event.js';
import { type HeadSource } from './head-source.js';
import { ReadIndex } from './read-index.js';

const headAt = (revision: number): LogHead => ({
  revision,
  hash: '0'.repeat(64),
  epoch: '01890000-0000-7000-8000-000000000000',
  at: '2026-01-01T00:00:00.000Z',
});

/** A primary whose responses the test controls. */
class Primary implements HeadSource<LogHead> {
  readonly queries: PromiseWithResolvers<LogHead>[] = [];

  read(): Promise<LogHead> {
    const query = Promise.withResolvers<LogHead>();
    this.queries.push(query);
    return query.promise;
  }
}

describe('ReadIndex', () => {
  it('sends one query for all callers that asked before it was sent', async () => {
    const primary = new Primary();
    const index = new ReadIndex(primary);
    const readers = [index.current(), index.current(), index.current()];
    await turn();
    expect(primary.queries).toHaveLength(1);
    primary.queries[0]!.resolve(headAt(7));
    expect((await Promise.all(readers)).map(head => head.revision)).toEqual([7, 7, 7]);
    expect(index.queries).toBe(1);
  });

  it('never gives a caller the result of a query that was sent before the caller asked', async () => {
    const primary = new Primary();
    const index = new ReadIndex(primary);
    const early = index.current();
    await turn();
    const late = [index.current(), index.current()];
    await turn();
    expect(primary.queries, 'one query at a time').toHaveLength(1);
    primary.queries[0]!.resolve(headAt(7));
    await early;
    await turn();
    expect(primary.queries).toHaveLength(2);
    primary.queries[1]!.resolve(headAt(8));
    expect((await Promise.all(late)).map(head => head.revision)).toEqual([8, 8]);
  });

  it('rejects for all callers of a query that fails, and sends another one for later callers', async () => {
    const primary = new Primary();
    const index = new ReadIndex(primary);
    const early = [index.current(), index.current()].map(reader => expect(reader).rejects.toThrow('gone'));
    await turn();
    const late = index.current();
    primary.queries[0]!.reject(new Error('gone'));
    await Promise.all(early);
    await turn();
    primary.queries[1]!.resolve(headAt(9));
    await expect(late).resolves.toEqual(headAt(9));
  });

  it('survives a source that throws before it sends a query', async () => {
    let calls = 0;
    const index = new ReadIndex({
      read: () => {
        calls++;
        if (calls === 1) throw new Error('no connection');
        return Promise.resolve(headAt(1));
      },
    });
    await expect(index.current()).rejects.toThrow('no connection');
    await expect(index.current()).resolves.toEqual(headAt(1));
  });
});
