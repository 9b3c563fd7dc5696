import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RefusedRequest, RefusalLines, SUMMARIZE_EVERY_MS } from './refusal-lines.js';

interface Line {
  readonly message: string;
  readonly count?: number;
  readonly routes?: Readonly<Record<string, number>>;
  readonly requestIds?: readonly string[];
}

let written: Line[];
let lines: RefusalLines;
let requests = 0;

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  lines = new RefusalLines((fields, message) => written.push({ ...fields, message }));
});
afterEach(() => {
  vi.useRealTimers();
});

const refuse = (differing: Partial<RefusedRequest> = {}) =>
  lines.isFirst({
    requestId: `r-${++requests}`,
    method: 'POST',
    route: '/instances',
    status: 503,
    code: 'STORE_UNAVAILABLE',
    because: 'ECONNREFUSED',
    ...differing,
  });

describe('Requests that are refused for one reason', () => {
  it('have one line of their own, and one for all that come within the next seconds', () => {
    expect(refuse()).toBe(true);
    requests = 0;
    for (let n = 0; n < 1_000; n++) expect(refuse({ route: n % 2 ? '/instances' : '/heartbeats' })).toBe(false);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(SUMMARIZE_EVERY_MS);
    expect(written).toEqual([
      {
        context: 'Http',
        message: '1000 more requests were answered 503 STORE_UNAVAILABLE because of ECONNREFUSED within 10 s',
        status: 503,
        code: 'STORE_UNAVAILABLE',
        because: 'ECONNREFUSED',
        count: 1_000,
        routes: { 'POST /heartbeats': 500, 'POST /instances': 500 },
        requestIds: ['r-1', 'r-2', 'r-3'],
      },
    ]);
  });

  it('are counted on as long as they come, and begin anew when none has come', () => {
    refuse();
    for (let n = 0; n < 5; n++) {
      expect(refuse()).toBe(false);
      vi.advanceTimersByTime(SUMMARIZE_EVERY_MS);
    }
    expect(written.map(({ count }) => count)).toEqual([1, 1, 1, 1, 1]);
    vi.advanceTimersByTime(SUMMARIZE_EVERY_MS);
    expect(vi.getTimerCount()).toBe(0);
    expect(refuse()).toBe(true);
  });

  it('are told apart from those with another reason, code or status', () => {
    for (const other of [{}, { because: '57P03' }, { code: 'STARTING', because: undefined }, { status: 500 }]) {
      expect(refuse(other)).toBe(true);
      expect(refuse(other)).toBe(false);
    }
    vi.advanceTimersByTime(SUMMARIZE_EVERY_MS);
    expect(written.map(({ message }) => message.replace(/ within.*/, ''))).toEqual([
      '1 more request was answered 503 STORE_UNAVAILABLE because of ECONNREFUSED',
      '1 more request was answered 503 STORE_UNAVAILABLE because of 57P03',
      '1 more request was answered 503 STARTING',
      '1 more request was answered 500 STORE_UNAVAILABLE because of ECONNREFUSED',
    ]);
  });

  it('cost a bounded number of lines and bytes, however many reasons and routes there are', () => {
    let first = 0;
    for (let n = 0; n < 10_000; n++) if (refuse({ because: `reason ${n}`, route: `/${n}` })) first++;
    expect(first).toBe(51);
    vi.advanceTimersByTime(SUMMARIZE_EVERY_MS);
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject({ count: 10_000 - 51, requestIds: { length: 3 } });
    expect(Object.keys(written[0]!.routes!)).toHaveLength(10);
  });

  it('are told of outside the request that came first', () => {
    const request = new AsyncLocalStorage<string>();
    const within: (string | undefined)[] = [];
    lines = new RefusalLines(() => within.push(request.getStore()));
    request.run('r-1', () => [refuse(), refuse()]);
    vi.advanceTimersByTime(SUMMARIZE_EVERY_MS);
    expect(within).toEqual([undefined]);
  });

  it('are all told at the end', () => {
    refuse();
    refuse();
    lines.summarize();
    expect(written).toMatchObject([{ count: 1 }]);
  });
});
