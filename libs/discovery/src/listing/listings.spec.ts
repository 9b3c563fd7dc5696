import { InvalidCursorError } from '@coordination/kernel';
import { toInstanceView } from '@coordination/catalog';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { EVERYTHING } from '../selection/selection.js';
import { countStatuses } from '../summary/service-summary.js';
import { INSTANCE_FIELDS, NAMED_IN_CATALOG, NAMED_IN_SERVICE, pick, toFields } from './instance-fields.js';
import { fromListCursor, toListCursor } from './list-cursor.js';
import { type ListQuery, variantOf, WHOLE } from './list-query.js';
import { type Listing, Listings, pageOf } from './listings.js';

const someIds = fc
  .uniqueArray(fc.string({ unit: fc.constantFrom(...'abAB01._:@-'.split('')), minLength: 1, maxLength: 4 }), {
    maxLength: 30,
  })
  .map(ids => ids.toSorted());

const listing = (ids: readonly string[]): Listing => ({ counts: countStatuses([]), ids });

describe('A page', () => {
  it('begins after any name, whether that is in the list or not, and all pages are the list', () => {
    fc.assert(
      fc.property(someIds, fc.integer({ min: 1, max: 12 }), fc.string(), (ids, limit, after) => {
        const later = ids.filter(id => id > after);
        expect(pageOf(ids, limit, after)).toEqual({
          page: later.slice(0, limit),
          start: ids.length - later.length,
          hasMore: later.length > limit,
        });
        expect(pageOf(ids, null, undefined)).toEqual({ page: ids, start: 0, hasMore: false });
        const walked: string[] = [];
        for (let last: string | undefined; ; last = walked.at(-1)) {
          const { page, hasMore } = pageOf(ids, limit, last);
          walked.push(...page);
          if (!hasMore) break;
        }
        expect(walked).toEqual(ids);
      }),
    );
  });
});

describe('Listings', () => {
  it('are made once for all callers, also for concurrent ones', async () => {
    const listings = new Listings();
    const [made, { promise, resolve }] = [listing(['a']), Promise.withResolvers<Listing>()];
    let count = 0;
    const make = () => {
      count += 1;
      return promise;
    };
    const asked = [listings.fetch('x', make), listings.fetch('x', make)];
    resolve(made);
    expect(await Promise.all(asked)).toEqual([made, made]);
    expect(await listings.fetch('x', make)).toBe(made);
    expect(listings.get('x', () => listing([]))).toBe(made);
    expect(count).toBe(1);
  });

  it('that could not be made are made at the next request', async () => {
    const listings = new Listings();
    const failure = new Error('the database is away');
    await expect(listings.fetch('x', () => Promise.reject(failure))).rejects.toBe(failure);
    const made = listing(['a']);
    expect(await listings.fetch('x', () => Promise.resolve(made))).toBe(made);
  });

  it('do not grow beyond their bound, however many are requested, and are returned when they are too large to be cached', async () => {
    const listings = new Listings(20_000);
    const makes: string[] = [];
    const ask = (name: string, ids: number) =>
      listings.fetch(name, () => {
        makes.push(name);
        return Promise.resolve(listing(Array.from({ length: ids }, (_, n) => `i-${n}`)));
      });
    for (let n = 0; n < 100; n++) await ask(`n-${n}`, 50);
    expect(makes).toHaveLength(100);
    await ask('n-99', 50);
    expect(makes).toHaveLength(100);
    await ask('n-0', 50);
    expect(makes, 'the oldest are not kept').toHaveLength(101);
    for (let again = 0; again < 2; again++) expect((await ask('large', 5_000)).ids).toHaveLength(5_000);
    expect(makes).toHaveLength(103);
  });
});

describe('Members', () => {
  it('are the same for the same names in any order, with those that are always there, and nothing for all of them', () => {
    fc.assert(
      fc.property(fc.subarray([...INSTANCE_FIELDS]), fc.func(fc.integer()), (names, order) => {
        const shuffled = names.toSorted((a, b) => order(a, b));
        for (const always of [NAMED_IN_SERVICE, NAMED_IN_CATALOG]) {
          const fields = toFields([...shuffled, ...names], always);
          expect(fields).toEqual(toFields(names, always));
          const wanted = INSTANCE_FIELDS.filter(name => names.includes(name) || always.some(it => it === name));
          expect(fields ?? INSTANCE_FIELDS).toEqual(wanted);
          expect(fields === null).toBe(wanted.length === INSTANCE_FIELDS.length);
        }
      }),
    );
    expect(toFields(undefined, NAMED_IN_SERVICE)).toBeNull();
  });

  it('are all that an instance has, in its order', () => {
    const instance = toInstanceView(anInstance());
    expect(Object.keys(instance).toSorted()).toEqual([...INSTANCE_FIELDS].toSorted());
    expect(pick(instance, null)).toBe(instance);
    expect(JSON.stringify(pick(instance, ['host', 'port']))).toBe('{"host":"10.0.3.17","port":8080}');
  });
});

const question: ListQuery = { namespace: 'default', service: 'orders', selection: EVERYTHING, part: WHOLE };

describe('A cursor of a list', () => {
  it('is valid for its query, with any limit, and for no other', () => {
    const position = { at: 7, after: 'orders-1' };
    const cursor = toListCursor(question, position);
    expect(fromListCursor({ ...question, part: { fields: null, limit: 5 } }, cursor)).toEqual(position);
    for (const other of [
      { namespace: 'shop' },
      { service: 'mail' },
      { selection: { statuses: ['healthy'], where: null } as const },
      { part: { fields: ['host'], limit: null } as const },
    ]) {
      expect(() => fromListCursor({ ...question, ...other }, cursor)).toThrow('belongs to another query');
    }
  });

  it('is refused when any character of it was altered, taken away or added', () => {
    const cursor = toListCursor(question, { at: 7, after: 'orders-1' });
    fc.assert(
      fc.property(fc.nat({ max: cursor.length - 1 }), fc.constantFrom(...'aZ09-_=+ '.split(''), ''), (at, by) => {
        const altered = cursor.slice(0, at) + by + cursor.slice(at + 1);
        fc.pre(altered !== cursor);
        expect(() => fromListCursor(question, altered)).toThrow(InvalidCursorError);
        expect(() => fromListCursor(question, cursor.slice(0, at) + (by || 'x') + cursor.slice(at))).toThrow(
          InvalidCursorError,
        );
      }),
    );
  });
});

describe('The tag of a part', () => {
  it('is none for the whole, another one for each page and set of members, and nothing that a proxy would add', () => {
    expect(variantOf(WHOLE)).toBeUndefined();
    const parts = [
      variantOf({ fields: null, limit: 1 }),
      variantOf({ fields: null, limit: 2 }),
      variantOf({ fields: null, limit: 1 }, 'a'),
      variantOf({ fields: ['host'], limit: 1 }),
      variantOf({ fields: ['host'], limit: null }),
    ];
    expect(new Set(parts).size).toBe(parts.length);
    for (const part of parts) expect(part).toMatch(/^[0-9a-f]{8}$/);
  });
});
