import { CatalogHeadRepository, LogCutRepository, RevisionFinder } from '@coordination/log';
import { InvalidCursorError, RevisionUnknownError, ValidationFailedError } from '@coordination/kernel';
import { identityKey, type InstanceRecord } from '@coordination/catalog';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import * as fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someExpression } from '../../../../../test/support/laws/arbitrary-expressions.js';
import { writePast, type WrittenPast } from '../../../../../test/support/laws/history-fixture.js';
import { EVERYTHING, matcher, type Selection, USABLE } from '../../selection/selection.js';
import { PastAnswers } from '../kept/past-answers.js';
import { CatalogDiff, type DiffRequest } from './catalog-diff.service.js';
import { ChangedInstances } from './changed-instances.js';
import { DiffPages, type DiffLimits, type ServiceDiff } from './diff-pages.js';
import { comparedPart } from './instance-difference.js';

interface Page {
  readonly from: number;
  readonly to: number;
  readonly services: readonly ServiceDiff[];
  readonly nextCursor: string | null;
}

type Asked = Partial<DiffRequest> & Pick<DiffRequest, 'from'>;

let past: WrittenPast;

const diffWith = (shortSpan?: number, limits?: DiffLimits): CatalogDiff => {
  const { databases } = past.author;
  const finder = new RevisionFinder(databases, new CatalogHeadRepository());
  return new CatalogDiff(
    finder,
    new DiffPages(new ChangedInstances(databases, new LogCutRepository(), shortSpan), limits),
    new PastAnswers(new Scheduler(), new Metrics(), 0),
  );
};

beforeAll(async () => {
  past = await writePast(20261126);
});
afterAll(() => past.close());

const revisionAt = (n: number) => past.revisions[n % past.revisions.length]!;

const someSpan = fc.tuple(fc.nat(), fc.nat()).map(numbers => {
  const [from, to] = numbers.map(revisionAt).sort((a, b) => a - b);
  return { from: from!, to: to! };
});

const someSelection: fc.Arbitrary<Selection> = fc.record({
  statuses: fc.constantFrom<Selection['statuses']>('any', 'any', USABLE, ['unhealthy', 'unknown']),
  where: fc.option(someExpression, { freq: 2 }),
});

const someScope = fc.record({
  namespace: fc.constantFrom(null, 'default', 'shop', 'nowhere'),
  service: fc.option(fc.constantFrom('orders', 'm-0', 'never'), { freq: 3 }),
});

const ask = async (diff: CatalogDiff, asked: Asked): Promise<Page> => {
  const everything = { to: undefined, scope: { namespace: null, service: null }, selection: EVERYTHING };
  const { body } = await diff.find({ ...everything, limit: 100, cursor: undefined, ...asked }, () => false);
  return JSON.parse(String(body)) as Page;
};

/** How many places differ: who took the place of another counts once. */
const placesIn = (services: readonly ServiceDiff[]): string[] => {
  const records = services.flatMap(({ added, removed, changed }) => [
    ...added,
    ...removed,
    ...changed.map(({ after }) => after),
  ]);
  return [...new Set(records.map(identityKey))];
};

const addedBy = (services: readonly ServiceDiff[]) => services.flatMap(({ added }) => added);

/** All pages. */
async function walk(diff: CatalogDiff, asked: Asked): Promise<ServiceDiff[]> {
  const services: ServiceDiff[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(diff, { ...asked, cursor });
    const names = page.services.map(({ namespace, service }) => `${namespace}/${service}`);
    expect(names, 'by service, each once on a page').toEqual([...new Set(names)].sort());
    expect(placesIn(page.services).length).toBeLessThanOrEqual(asked.limit ?? 100);
    services.push(...page.services);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return services;
}

const byId = (records: readonly InstanceRecord[]) => new Map(records.map(record => [record.id, record]));

/** The library that applies patches sets no key of this name, nor copies it in values. */
const hasLostKey = (patch: unknown): boolean => JSON.stringify(patch).includes('__proto__');

/** What a diff makes of a state. */
function applied(state: readonly InstanceRecord[], services: readonly ServiceDiff[]): Map<string, InstanceRecord> {
  const records = byId(structuredClone(state));
  for (const { added, removed, changed } of services) {
    for (const record of removed) {
      expect(records.get(record.id), 'what is removed was there').toEqual(record);
      records.delete(record.id);
    }
    for (const { before, after, patch } of changed) {
      const record = records.get(before.id);
      expect(record, 'what is changed was there').toEqual(before);
      if (!hasLostKey(patch)) {
        applyPatch(record, structuredClone(patch) as Parameters<typeof applyPatch>[1]);
        expect(record, 'the patch makes what it is').toEqual(after);
      }
      records.set(after.id, after);
    }
    for (const record of added) {
      expect(records.has(record.id), 'what is added was not there').toBe(false);
      records.set(record.id, record);
    }
  }
  return records;
}

describe('What changed between two revisions', () => {
  it.each([
    ['the events in between', undefined],
    ['all instances', -1],
  ])('makes of the first state the second, found by %s, on pages of any size', async (_, shortSpan) => {
    const diff = diffWith(shortSpan);
    const some = fc.record({
      span: someSpan,
      selection: someSelection,
      scope: someScope,
      limit: fc.constantFrom(5, 20, 500),
    });
    const property = fc.asyncProperty(some, async ({ span, selection, scope, limit }) => {
      const matches = matcher(selection);
      const stateAt = (revision: number) =>
        past
          .instancesAt(revision)
          .filter(record => scope.namespace === null || record.namespace === scope.namespace)
          .filter(record => scope.service === null || record.service === scope.service)
          .filter(matches);
      const [before, after] = [stateAt(span.from), stateAt(span.to)];
      const moments = { from: { revision: span.from }, to: { revision: span.to } };
      const services = await walk(diff, { ...moments, scope, selection, limit });
      const made = applied(before, services);
      expect([...made.keys()].sort()).toEqual([...byId(after).keys()].sort());
      const told = new Set(placesIn(services));
      for (const record of after) {
        // What is not told may have changed and changed back: its version tells, and nothing that callers set does.
        if (told.has(identityKey(record))) expect(made.get(record.id)).toEqual(record);
        else expect(comparedPart(made.get(record.id)!)).toEqual(comparedPart(record));
      }
      for (const { before: from, after: to } of services.flatMap(({ changed }) => changed)) {
        expect(comparedPart(from), 'what did not change is not told').not.toEqual(comparedPart(to));
      }
    });
    await fc.assert(property, { numRuns: 40, seed: 5 });
  });

  it('means the same by times as by revisions', async () => {
    const diff = diffWith();
    const samples = fc.sample(fc.tuple(fc.nat(), fc.nat()), { numRuns: 15, seed: 6 });
    for (const pair of samples) {
      const [first, second] = pair
        .map(n => past.events[n % past.events.length]!)
        .sort((a, b) => a.revision - b.revision);
      const lastAt = (time: string) => past.events.findLast(event => event.at <= time)!.revision;
      const byTime = await ask(diff, { from: { time: first!.at }, to: { time: second!.at } });
      const revisions = { from: lastAt(first!.at), to: lastAt(second!.at) };
      expect(byTime).toMatchObject(revisions);
      expect(byTime).toEqual(await ask(diff, { from: { revision: revisions.from }, to: { revision: revisions.to } }));
    }
  });

  it('continues where a page ended at the limit of its scan, or of its size', async () => {
    const whole = await walk(diffWith(), { from: { revision: 0 } });
    for (const limits of [
      { scan: { instances: 3, milliseconds: 60_000 }, bytes: 1_000_000 },
      { scan: { instances: 100_000, milliseconds: 60_000 }, bytes: 1 },
    ]) {
      for (const shortSpan of [undefined, -1]) {
        expect(addedBy(await walk(diffWith(shortSpan, limits), { from: { revision: 0 } }))).toEqual(addedBy(whole));
      }
    }
  });

  it('has at most so many bytes of instances on a page, unless there is only one', async () => {
    const scan = { instances: 100_000, milliseconds: 60_000 };
    const whole = await ask(diffWith(), { from: { revision: 0 }, limit: 500 });
    const largest = Math.max(...addedBy(whole.services).map(record => JSON.stringify(record).length));
    const bytes = largest * 3;
    let cursor: string | null | undefined;
    const sizes: number[] = [];
    while (cursor !== null) {
      const page = await ask(diffWith(undefined, { scan, bytes }), {
        from: { revision: 0 },
        limit: 500,
        ...(cursor && { cursor }),
      });
      const records = addedBy(page.services);
      expect(records.reduce((sum, record) => sum + JSON.stringify(record).length + 1, 0)).toBeLessThanOrEqual(bytes);
      sizes.push(records.length);
      cursor = page.nextCursor;
    }
    expect(sizes.reduce((sum, size) => sum + size)).toBe(addedBy(whole.services).length);
    expect(Math.max(...sizes), 'a page has more than one').toBeGreaterThan(1);
  });

  it('accepts only revisions in their order, and cursors of the same diff', async () => {
    const diff = diffWith();
    const last = past.revisions.at(-1)!;
    const earlier = past.revisions.at(-20)!;
    const { nextCursor } = await ask(diff, { from: { revision: 0 }, limit: 1 });
    const cursor = nextCursor!;
    await expect(ask(diff, { from: { revision: last }, to: { revision: earlier } })).rejects.toThrow('/query/from');
    const turned = { from: { time: '2000-01-01T00:00:00.001Z' }, to: { time: '2000-01-01T00:00:00.000Z' } };
    await expect(ask(diff, turned)).rejects.toThrow(ValidationFailedError);
    await expect(ask(diff, { from: { revision: last + 1 } })).rejects.toThrow(RevisionUnknownError);
    for (const other of [
      { from: { revision: earlier } },
      { from: { revision: 0 }, to: { revision: earlier } },
      { from: { revision: 0 }, scope: { namespace: 'default', service: null } },
      { from: { revision: 0 }, selection: { statuses: USABLE, where: null } },
    ]) {
      await expect(ask(diff, { ...other, cursor })).rejects.toThrow(InvalidCursorError);
    }
  });

  it('stays between the revisions of its first page, whatever is written meanwhile', async () => {
    const diff = diffWith();
    const before = await ask(diff, { from: { revision: 0 }, limit: 1 });
    const [victim] = past.instancesAt(before.to);
    const gone = await past.author.remove(victim!).then(() => victim!);
    const next = await ask(diff, { from: { revision: 0 }, limit: 500, cursor: before.nextCursor! });
    expect(next.to).toBe(before.to);
    const told = [...before.services, ...next.services].flatMap(({ added }) => added);
    expect(told.map(({ id }) => id).sort()).toEqual(
      past
        .instancesAt(before.to)
        .map(({ id }) => id)
        .sort(),
    );
    const since = await ask(diff, { from: { revision: before.to } });
    expect(since.services).toEqual([
      { namespace: gone.namespace, service: gone.service, added: [], removed: [gone], changed: [] },
    ]);
  });
});
