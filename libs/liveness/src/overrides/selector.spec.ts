import { describe, expect, it } from 'vitest';
import { DomainError, toFieldErrors } from '@coordination/kernel';
import { selectorBody, selectorQuery } from './overrides.schemas.js';
import { toQuestion } from './selector.js';

const fromBody = (body: Record<string, unknown>) => toQuestion(selectorBody.parse(body), '/selector');
const fromQuery = (query: Record<string, unknown>) => toQuestion(selectorQuery.parse(query), '/query');

const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (error instanceof DomainError) return error.extras.errors?.map(({ path }) => path);
    throw error;
  }
  return undefined;
};

describe('a selector', () => {
  it('is the same in a body and in a query', () => {
    const both: [Record<string, unknown>, Record<string, unknown>][] = [
      [{ service: 'Orders' }, { service: 'Orders' }],
      [
        { host: 'DB-1.example', namespace: '*' },
        { host: 'DB-1.example', namespace: '*' },
      ],
      [{ status: ['healthy', 'degraded'] }, { status: 'degraded,healthy' }],
      [{ status: 'healthy,degraded' }, { status: ['degraded', 'healthy'] }],
      [{ metadata: { a: { b: [1, null] } } }, { metadata: '{"a":{"b":[1,null]}}' }],
      [
        { tag: ['a=b', 'c'], capability: 'x' },
        { tag: ['a=b', 'c'], capability: 'x' },
      ],
      [
        { filter: 'weight > 3', zone: 'a' },
        { filter: 'weight > 3', zone: 'a' },
      ],
      [{ all: true }, { all: 'true' }],
    ];
    for (const [body, query] of both) expect(fromBody(body)).toEqual(fromQuery(query));
  });

  it.each([[{}], [{ namespace: 'shop' }], [{ namespace: '*' }], [{ status: 'any' }], [{ metadata: {} }]])(
    'without a condition is rejected unless it has `all`: %j',
    selector => {
      expect(refusal(() => fromBody(selector))).toEqual(['/selector']);
      expect(refusal(() => fromBody({ ...selector, all: true }))).toBeUndefined();
    },
  );

  it('cannot have both `all` and a condition', () => {
    expect(refusal(() => fromBody({ all: true, zone: 'a' }))).toEqual(['/selector/all']);
    expect(refusal(() => fromQuery({ all: 'true', service: 'orders' }))).toEqual(['/query/all']);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ service: 7 }, '/service'],
    [{ service: '' }, '/service'],
    [{ zone: '' }, '/zone'],
    [{ zone: 'a\u0000' }, '/zone'],
    [{ host: 'not a host' }, '/host'],
    [{ host: null }, '/host'],
    [{ status: { toString: 1 } }, '/status/0'],
    [{ status: [['healthy']] }, '/status/0'],
    [{ status: [7] }, '/status/0'],
    [{ tag: [{}] }, '/tag/0'],
    [{ metadata: 7 }, '/metadata'],
    [{ filter: ['a'] }, '/filter'],
    [{ all: 'true' }, '/all'],
    [{ nobody: 'knows' }, '/nobody'],
  ])('is told what is wrong with it: %j', (selector, path) => {
    const { error } = selectorBody.safeParse(selector);
    expect(toFieldErrors(error?.issues ?? [], '').map(it => it.path)).toContain(path);
  });
});
