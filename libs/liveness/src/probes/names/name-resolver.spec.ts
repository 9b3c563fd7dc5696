import { beforeEach, describe, expect, it } from 'vitest';
import { type ResolvedAddress } from './hosts-file.js';
import { SilentNameServerError, UnknownNameError } from './name-errors.js';
import { NAME_TIMES, NameResolver } from './name-resolver.js';

const A: readonly ResolvedAddress[] = [{ address: '10.0.0.1', family: 4 }];
const B: readonly ResolvedAddress[] = [{ address: '10.0.0.2', family: 4 }];
const WITHIN_MS = 1_000;

type Answer = readonly ResolvedAddress[] | Error;

let nowMs: number;
let answer: Answer | Promise<Answer>;
let asked: { host: string; isProven: boolean }[];
let resolver: NameResolver;

const silence = () => new SilentNameServerError('orders.test', 'ETIMEOUT');
const unknown = () => new UnknownNameError('orders.test');

beforeEach(() => {
  [nowMs, answer, asked] = [0, A, []];
  const find = async (host: string, isProven: boolean) => {
    asked.push({ host, isProven });
    const found = await answer;
    if (found instanceof Error) throw found;
    return found;
  };
  resolver = new NameResolver({ find }, { monotonicMs: () => nowMs }, NAME_TIMES);
});

const resolve = (host = 'orders.test') => resolver.resolve(host, WITHIN_MS);
const settle = async () => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

describe('The addresses of a host', () => {
  it.each([
    ['127.0.0.1', 4],
    ['::1', 6],
  ])('that is the address %s need no look-up', async (address, family) => {
    expect(await resolve(address)).toEqual([{ address, family }]);
    expect(asked).toEqual([]);
  });

  it('are looked up once for all who ask, and again when they are no longer fresh', async () => {
    expect(await Promise.all([resolve(), resolve()])).toEqual([A, A]);
    nowMs += NAME_TIMES.freshMs - 1;
    await resolve();
    expect(asked).toHaveLength(1);
    nowMs += 1;
    answer = B;
    expect(await resolve()).toEqual(B);
    expect(asked.map(({ isProven }) => isProven)).toEqual([false, true]);
  });

  it('serve on while no server answers, and the look-ups rest in between', async () => {
    await resolve();
    answer = silence();
    nowMs += NAME_TIMES.freshMs;
    expect(await resolve()).toEqual(A);
    for (let n = 0; n < 5; n++) expect(await resolve()).toEqual(A);
    expect(asked, 'each probe makes a look-up').toHaveLength(2);
    nowMs += NAME_TIMES.restMs;
    answer = B;
    expect(await resolve(), 'a silent name delays a probe').toEqual(A);
    await settle();
    expect(await resolve()).toEqual(B);
    expect(asked.at(-1)?.isProven, 'a silent name takes the places of others').toBe(false);
  });

  it('do not serve for ever', async () => {
    await resolve();
    answer = silence();
    nowMs += NAME_TIMES.keptMs - 1;
    expect(await resolve()).toEqual(A);
    nowMs += 1;
    await expect(resolve()).rejects.toThrow(SilentNameServerError);
  });

  it('do not serve after the answer that there are none', async () => {
    await resolve();
    answer = unknown();
    nowMs += NAME_TIMES.freshMs;
    await expect(resolve()).rejects.toThrow(UnknownNameError);
    answer = silence();
    nowMs += NAME_TIMES.freshMs;
    await expect(resolve(), 'addresses of a name that is gone came back').rejects.toThrow(SilentNameServerError);
  });

  it('are not waited for a second time, where nothing was answered the first time', async () => {
    answer = silence();
    await expect(resolve()).rejects.toThrow(SilentNameServerError);
    answer = new Promise(() => undefined);
    nowMs += NAME_TIMES.restMs;
    // Would hang if it waited: no time passes here.
    await expect(resolve()).rejects.toThrow(/no name server answered: ETIMEOUT/);
    expect(asked).toHaveLength(2);
  });

  it('are waited for in the given time only; the look-up goes on', async () => {
    const { promise, resolve: come } = Promise.withResolvers<Answer>();
    answer = promise;
    await expect(resolver.resolve('orders.test', 1)).rejects.toThrow(/longer than 1 ms/);
    come(A);
    await settle();
    expect(await resolve()).toEqual(A);
    expect(asked).toHaveLength(1);
  });

  it('fail with what is no matter of names as it is, and the next look-up begins at once', async () => {
    answer = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    await expect(resolve()).rejects.toThrow(/EMFILE/);
    answer = A;
    expect(await resolve()).toEqual(A);
  });

  it('are kept for a bounded number of names', async () => {
    const small = new NameResolver(
      { find: async () => A },
      { monotonicMs: () => nowMs },
      { ...NAME_TIMES, maxNames: 2 },
    );
    for (const host of ['a.test', 'b.test', 'c.test']) await small.resolve(host, WITHIN_MS);
    expect(small.size).toBe(2);
  });
});
