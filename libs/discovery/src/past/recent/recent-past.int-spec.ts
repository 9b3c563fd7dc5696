import { CatalogHeadRepository, LogCutRepository, RevisionFinder } from '@coordination/log';
import { type CatalogView, STATUSES } from '@coordination/catalog';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aChangeFeed, pastOf } from '../../../../../test/support/catalog/past-of.js';
import { someExpression } from '../../../../../test/support/laws/arbitrary-expressions.js';
import { writePast, type WrittenPast } from '../../../../../test/support/laws/history-fixture.js';
import { INSTANCE_FIELDS } from '../../listing/instance-fields.js';
import { EVERYTHING, type Selection, USABLE } from '../../selection/selection.js';
import { type PastFound } from '../past-found.js';
import { PastInstances } from '../past-instances.js';

/** Counts how often the log is scanned. */
class CountingInstances extends PastInstances {
  walks = 0;

  override walk(...parameters: Parameters<PastInstances['walk']>): ReturnType<PastInstances['walk']> {
    this.walks += 1;
    return super.walk(...parameters);
  }
}

let past: WrittenPast;
let instances: CountingInstances;
let finder: RevisionFinder;
/** The beginning of the present epoch. */
let epochStart: number;

beforeAll(async () => {
  past = await writePast(20261128);
  const { databases } = past.author;
  finder = new RevisionFinder(databases, new CatalogHeadRepository());
  instances = new CountingInstances(databases, new LogCutRepository());
  epochStart = past.events.find(({ action }) => action === 'catalog.epoch_started')!.revision;
});
afterAll(() => past.close());

const unknown = () => false;

/** A node whose view has followed the log up to one revision, and whose changes in memory begin at another. */
function nodeAt(revision: number, loadedAt: number, differing: { keptBytes?: number; maxEvents?: number } = {}) {
  const view = past.viewAt(loadedAt);
  const changes = aChangeFeed(view);
  changes.replaced(view.position!);
  view.apply(past.events.filter(event => event.revision <= revision));
  return pastOf(past.author.databases, finder, { view, changes, instances, ...differing });
}

const shown = ({ catalog, tag, body }: PastFound) => ({ catalog, tag, body: String(body) });

const someSelection: fc.Arbitrary<Selection> = fc.record({
  statuses: fc.oneof(fc.constant('any' as const), fc.constant(USABLE), fc.subarray([...STATUSES], { minLength: 1 })),
  where: fc.option(someExpression, { freq: 3 }),
});

const somePart = fc.record({
  limit: fc.constantFrom(null, null, 1, 3, 1_000),
  fields: fc.oneof(fc.constant(null), fc.subarray([...INSTANCE_FIELDS], { minLength: 1 })),
});

const someQuestion = fc.record({
  namespace: fc.constantFrom('default', 'shop', 'nowhere'),
  service: fc.constantFrom('orders', 'billing', 'm-0', 'm-1', 'm', 'never'),
  selection: someSelection,
  part: somePart,
  after: fc.option(fc.constantFrom('i-1', 'i-2-20261128', 'a'), { nil: undefined }),
});

const ORDERS = { namespace: 'default', service: 'm-1' };
const last = () => past.revisions.at(-1)!;

describe('A list at a recent revision', () => {
  it.each(['in memory', 'in the log'] as const)(
    'is, to the byte, what a scan of the log gives, if the changes since are %s, and needs no scan',
    async place => {
      const log = pastOf(past.author.databases, finder);
      const some = fc.record({ n: fc.nat(), later: fc.nat(), loaded: fc.nat(), question: someQuestion });
      const property = fc.asyncProperty(some, async ({ n, later, loaded, question }) => {
        const revision = past.revisions[n % past.revisions.length]!;
        const reached = past.revisions.filter(each => each >= Math.max(revision, epochStart));
        const viewAt = reached[later % reached.length]!;
        const loads = past.revisions.filter(each => each <= viewAt && (place === 'in memory' || each >= revision));
        const node = nodeAt(viewAt, place === 'in memory' ? loads[loaded % loads.length]! : viewAt);
        const { selection, part, after, ...of } = question;
        const first = await log.listInstances({ revision }, of, selection, unknown, { part });
        const at = (JSON.parse(String(first.body)) as { revision: number }).revision;
        const isPage = part.limit !== null && after !== undefined;
        const options = { part, ...(isPage && { position: { at, after } }) };
        instances.walks = 0;
        const found = await node.listInstances({ revision }, of, selection, unknown, options);
        expect(instances.walks, 'scans of the log').toBe(0);
        const wanted = isPage ? await log.listInstances({ revision }, of, selection, unknown, options) : first;
        expect(shown(found)).toEqual(shown(wanted));
      });
      await fc.assert(property, { numRuns: 150, seed: 11 });
    },
  );

  it('comes from the log when more changed since than may be rolled back', async () => {
    const revision = past.revisions.find(each => each > epochStart)!;
    const log = pastOf(past.author.databases, finder);
    const wanted = await log.listInstances({ revision }, ORDERS, EVERYTHING, unknown);
    for (const loadedAt of [revision, last()]) {
      const node = nodeAt(last(), loadedAt, { maxEvents: 3 });
      instances.walks = 0;
      expect(shown(await node.listInstances({ revision }, ORDERS, EVERYTHING, unknown))).toEqual(shown(wanted));
      expect(instances.walks).toBe(1);
    }
  });

  it('comes from the log when the server does not have the end of the log that the node has seen', async () => {
    const revision = past.revisions.at(-200)!;
    const log = pastOf(past.author.databases, finder);
    const wanted = await log.listInstances({ revision }, ORDERS, EVERYTHING, unknown);
    const view: CatalogView = past.viewAt(last());
    const changes = aChangeFeed(view);
    const { hash, epoch } = view.position!;
    // An event that the server lost: it removed an instance of the service.
    const victim = [...view.instancesOf(ORDERS.namespace, ORDERS.service).values()][0]!;
    changes.replaced(view.position!);
    view.apply([
      {
        ...past.events.at(-1)!,
        revision: last() + 1,
        previousHash: hash,
        hash: 'f'.repeat(64),
        action: 'instance.deregistered',
        namespace: victim.namespace,
        service: victim.service,
        instanceUuid: victim.id,
        after: null,
      },
    ]);
    changes.replaced(view.position!);
    expect(view.position).toMatchObject({ revision: last() + 1, epoch });
    const node = pastOf(past.author.databases, finder, { view, changes, instances });
    instances.walks = 0;
    expect(shown(await node.listInstances({ revision }, ORDERS, EVERYTHING, unknown))).toEqual(shown(wanted));
    expect(instances.walks).toBe(1);
  });
});

describe('Equal questions about the past', () => {
  it.each(['instances', 'services', 'search'] as const)('scan the log once for all who ask (%s)', async what => {
    const node = pastOf(past.author.databases, finder, { instances, keptBytes: 10_000_000 });
    const search = { ...ORDERS, selection: EVERYTHING, sort: 'updatedAt', order: 'asc', limit: 10 } as const;
    const ask = (revision: number) =>
      what === 'instances'
        ? node.listInstances({ revision }, ORDERS, EVERYTHING, unknown)
        : what === 'services'
          ? node.listServices({ revision }, 'default', EVERYTHING, unknown)
          : node.searchInstances({ revision }, { ...search, cursor: undefined }, unknown);
    const revision = past.revisions.at(-100)!;
    instances.walks = 0;
    const found = await Promise.all(Array.from({ length: 20 }, () => ask(revision)));
    expect(new Set(found.map(each => String(each.body))).size).toBe(1);
    await ask(revision);
    expect(instances.walks).toBe(1);
    await ask(past.revisions.at(-150)!);
    expect(instances.walks, 'another revision is another question').toBe(2);
  });

  it('are those about all revisions between two changes of the service', async () => {
    const node = pastOf(past.author.databases, finder, { instances, keptBytes: 10_000_000 });
    const touches = past.events.filter(({ namespace, service }) => namespace === 'default' && service === 'm-1');
    const [from, to] = touches
      .slice(-40)
      .map(({ revision }) => revision)
      .flatMap((revision, n, all) =>
        n > 0 && revision - all[n - 1]! > 3 ? [[all[n - 1]!, revision] as const] : [],
      )[0]!;
    instances.walks = 0;
    const bodies = new Set<string>();
    for (let revision = from; revision < to; revision++) {
      bodies.add(String((await node.listInstances({ revision }, ORDERS, EVERYTHING, unknown)).body));
    }
    expect([bodies.size, instances.walks]).toEqual([1, 1]);
  });
});
