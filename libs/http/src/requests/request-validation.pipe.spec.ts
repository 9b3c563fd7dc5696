import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { type ArgumentMetadata } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { runInRequest } from '@coordination/context';
import { itemOfLongList, ValidationFailedError } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { z } from 'zod';
import { RequestValidationPipe } from './request-validation.pipe.js';

let checked = 0;
const item = itemOfLongList(
  z.strictObject({ name: z.string().refine(name => (checked += 1) > 0 && name !== 'bad', 'must not be bad') }),
);
const body = z.strictObject({ items: z.array(item).min(1).max(1_000) });
const query = z.strictObject({ limit: z.string().regex(/^\d+$/, 'must be a number').optional() });

const BODY = { type: 'body', schema: body } as unknown as ArgumentMetadata;
const QUERY = { type: 'query', schema: query } as unknown as ArgumentMetadata;

/** A request with these parts, whose checks begin together as Nest begins them. */
function request(scheduler: Scheduler, values: { body: unknown; query?: unknown }) {
  checked = 0;
  const pipe = new RequestValidationPipe(scheduler);
  const store = { requestId: 'r', clientAddress: '10.0.0.1', actor: 'a', source: 'api', reason: null } as const;
  return runInRequest({ ...store }, () =>
    Promise.all([pipe.transform(values.body, BODY), pipe.transform(values.query ?? {}, QUERY)]),
  );
}

const errorsOf = async (failing: Promise<unknown>) => {
  const error = await failing.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return error instanceof ValidationFailedError ? error.extras.errors : error;
};

const items = (count: number, bad: readonly number[] = []) =>
  Array.from({ length: count }, (_, n) => ({ name: bad.includes(n) ? 'bad' : `n-${n}` }));

describe('the validation of requests', () => {
  it('checks long lists as work of the scheduler, and short ones at once', async () => {
    const scheduler = new Scheduler();
    await request(scheduler, { body: { items: items(5) } });
    expect(scheduler.use('write').pieces).toBe(0);
    const [valid] = await request(scheduler, { body: { items: items(1_000) } });
    expect(valid).toEqual({ items: items(1_000) });
    // A slice that its work does not give back is counted when the turn of the loop ends.
    await nextTurnOfLoop();
    expect(scheduler.use('write').pieces).toBeGreaterThan(0);
    expect(checked, 'each item once').toBe(1_000);
  });

  it('reports what is wrong in all parts of a request together, in their order, however long one takes', async () => {
    const bad = { body: { items: items(600, [0, 599]), more: 1 }, query: { limit: 'x' } };
    const expected = [
      { path: '/items/0/name', message: 'must not be bad' },
      { path: '/items/599/name', message: 'must not be bad' },
      { path: '/more', message: expect.any(String) as string },
      { path: '/query/limit', message: 'must be a number' },
    ];
    expect(await errorsOf(request(new Scheduler(), bad))).toEqual(expected);
    expect(await errorsOf(request(new Scheduler(), { ...bad, body: { items: items(9), more: 1 } }))).toEqual(
      expected.slice(2),
    );
    expect(await errorsOf(request(new Scheduler(), { ...bad, body: { items: items(900) } }))).toEqual(
      expected.slice(3),
    );
  });

  it('refuses a list that is too long without a look at its items', async () => {
    const scheduler = new Scheduler();
    const errors = await errorsOf(request(scheduler, { body: { items: items(1_001, [3]) } }));
    expect(errors).toEqual([{ path: '/items', message: expect.stringContaining('1000') as string }]);
    expect(checked).toBe(0);
    expect(scheduler.use('write').pieces).toBe(0);
  });

  it('fails outside a request, too', async () => {
    const pipe = new RequestValidationPipe(new Scheduler());
    expect(await errorsOf(pipe.transform({ items: items(20, [7]) }, BODY))).toHaveLength(1);
    expect(await errorsOf(pipe.transform({}, BODY))).toHaveLength(1);
  });
});
