import { type SharedBody } from '@coordination/http';
import { CatalogView, type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { CatalogState } from '@coordination/catalog/testing';
import { type Clock } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { pick } from '../listing/instance-fields.js';
import { type ListQuery } from '../listing/list-query.js';
import { toListCursor } from '../listing/list-cursor.js';
import { EVERYTHING, matcherBesideStatus, type Selection, statusTest } from '../selection/selection.js';
import { countStatuses, summarize } from '../summary/service-summary.js';
import { CachedJson } from './cached-json.js';
import { type MadeJson, type ViewJson } from './view-json.js';

const clock: Clock = { now: () => new Date(NOW), monotonicMs: () => 0 };
const USABLE: Selection = { ...EVERYTHING, statuses: ['degraded', 'healthy'] };
const ZONED: Selection = { ...USABLE, where: { kind: 'equal', of: ['zone'], anyOf: ['z-1'] } };
/** More than are listed at once. */
const MANY = 900;
const STATES = ['healthy', 'degraded', 'unhealthy', 'starting'] as const;

/** Makes lists large enough to be kept in pieces. */
const LONG = 'x'.repeat(300);

const nameOf = (n: number) => `i-${String(n).padStart(4, '0')}`;

class World {
  readonly log = new LogInMemory();
  readonly view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  readonly answers = new CachedJson(this.view);

  constructor(service: (n: number) => string = () => 'orders') {
    this.view.replace({ head: this.log.head, state: new CatalogState(), sentAtMs: 0 });
    for (let n = 0; n < MANY; n++) this.put(n, { service: service(n), zone: `z-${n % 3}` });
  }

  put(n: number, { service = 'orders', ...fields }: Partial<InstanceRecord> = {}): void {
    const known = this.find(n, service);
    this.view.apply([this.log.put(anInstance({ ...known, service, instanceId: nameOf(n), ...fields }))]);
  }

  remove(n: number): void {
    const known = this.find(n, 'orders');
    if (known) this.view.apply([this.log.remove(known.id)]);
  }

  find(n: number, service: string): InstanceRecord | undefined {
    return this.view.instancesOf('default', service).get(nameOf(n));
  }

  /** What JSON.stringify makes of the view. */
  plain({ service, selection, part }: ListQuery, after?: string): string {
    const revision = this.view.serviceRevision('default', service)!;
    const sorted = [...this.view.instancesOf('default', service).values()].sort((a, b) =>
      a.instanceId < b.instanceId ? -1 : 1,
    );
    const matching = sorted.filter(matcherBesideStatus(selection));
    const counts = countStatuses(matching.map(({ status }) => status));
    const shown = matching.filter(({ status }) => statusTest(selection)(status));
    const rest = shown.filter(({ instanceId }) => after === undefined || instanceId > after);
    const page = rest.slice(0, part.limit ?? Infinity);
    const last = page.at(-1);
    const nextCursor =
      last && rest.length > page.length
        ? toListCursor({ namespace: 'default', service, selection, part }, { at: revision, after: last.instanceId })
        : null;
    return JSON.stringify({
      service,
      revision,
      counts,
      instances: page.map(record => pick(toInstanceView(record), part.fields)),
      ...(part.limit !== null && { nextCursor }),
    });
  }

  plainServices(): string {
    const services = [...this.view.services('default').values()].sort((a, b) => (a.service < b.service ? -1 : 1));
    return JSON.stringify({
      revision: this.view.namespaceRevision('default'),
      services: services.map(({ service, instances }) => summarize(service, instances.values())),
    });
  }
}

const queryOf = (selection: Selection, part: ListQuery['part'] = { fields: null, limit: null }): ListQuery => ({
  namespace: 'default',
  service: 'orders',
  selection,
  part,
});

const textOf = async (answer: ViewJson | Promise<MadeJson>) => String((await answer).body);
const bodyOf = async (answer: ViewJson | Promise<MadeJson>) => (await answer).body as SharedBody;

let world: World;

describe('a list of many instances', () => {
  beforeEach(() => {
    world = new World();
  });

  it('has the bytes of the plain list after any changes: whole, filtered, with some members, in pages', async () => {
    const change = fc.record({ n: fc.nat(MANY + 50), what: fc.constantFrom(...STATES, 'remove', 'move', 'other') });
    const after = fc.option(fc.nat(MANY).map(nameOf), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(change, { maxLength: 5 }), after), { maxLength: 5 }),
        async rounds => {
          for (const [changes, begin] of rounds) {
            for (const { n, what } of changes) {
              if (what === 'remove') world.remove(n);
              else if (what === 'move') world.put(n, { zone: 'z-1' });
              else if (what === 'other') world.put(n, { service: 'mail' });
              else world.put(n, { status: what, health: { ...anInstance().health, state: what } });
            }
            for (const selection of [USABLE, EVERYTHING, ZONED]) {
              const whole = queryOf(selection);
              expect(await textOf(world.answers.instanceList('default', 'orders', selection))).toBe(world.plain(whole));
              const names = queryOf(selection, { fields: ['instanceId', 'zone'], limit: null });
              expect(await textOf(world.answers.listPart(names))).toBe(world.plain(names));
              const page = queryOf(selection, { fields: null, limit: 100 });
              expect(await textOf(world.answers.listPart(page, begin))).toBe(world.plain(page, begin));
            }
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('is made once for all who ask meanwhile, kept, and shares with the next one all pieces but that of the change', async () => {
    const ask = () => world.answers.instanceList('default', 'orders', EVERYTHING);
    const bodies = new Set((await Promise.all([ask(), ask(), ask()])).map(({ body }) => body));
    expect(bodies.size).toBe(1);
    const kept = ask();
    expect(world.answers.keepsList(queryOf(EVERYTHING))).toBe(true);
    expect(world.answers.keepsList(queryOf(USABLE))).toBe(false);
    expect(kept, 'kept ones are answered at once').not.toBeInstanceOf(Promise);
    const before = await bodyOf(kept);
    world.put(300, { weight: 7 });
    expect(world.answers.keepsList(queryOf(EVERYTHING))).toBe(false);
    void ask();
    expect(world.answers.keepsList(queryOf(EVERYTHING)), 'one more request for it costs nothing').toBe(true);
    const after = await bodyOf(ask());
    const memory = new Set(before.pieces.map(({ buffer }) => buffer));
    const news = after.pieces.filter(({ buffer }) => !memory.has(buffer));
    expect(news.map(piece => piece.toString().includes(`"instanceId":"${nameOf(300)}"`))).toEqual([false, true, false]);
    expect(String(after)).toBe(world.plain(queryOf(EVERYTHING)));
  });

  it('shows one state of the service, which is not earlier than the request, whatever changes while it is made', async () => {
    const asked: { readonly at: number; readonly answer: Promise<MadeJson> }[] = [];
    const plain = new Map<number, string>();
    let changes = 0;
    let nowMs = 0;
    // So that a list takes many slices, however fast the machine is.
    const scheduler = new Scheduler({ now: () => new Date(NOW), monotonicMs: () => (nowMs += 0.5) });
    const answers = new CachedJson(world.view, undefined, { scheduler });
    const note = () => plain.set(world.view.serviceRevision('default', 'orders')!, world.plain(queryOf(EVERYTHING)));
    note();
    // Changes and requests come in the turns of the event loop in which the list is being made.
    while (changes < 60) {
      const answer = answers.instanceList('default', 'orders', EVERYTHING);
      asked.push({ at: world.view.revision, answer: Promise.resolve(answer) as Promise<MadeJson> });
      if (changes % 3 === 0) world.put(changes * 7, { weight: changes });
      else if (changes % 3 === 1) world.remove(changes * 11);
      else world.put(changes, { service: 'mail' });
      changes += 1;
      note();
      await new Promise(setImmediate);
    }
    for (const { at, answer } of asked) {
      const { revision, body, madeAt } = await answer;
      expect(String(body)).toBe(plain.get(revision));
      const known = [...plain.keys()].findLast(it => it <= at)!;
      expect(revision, `asked at ${at}`).toBeGreaterThanOrEqual(known);
      if (madeAt) expect(madeAt.revision).toBeGreaterThanOrEqual(revision);
    }
  });

  it('is made anew when the catalog was loaded again, also when that happens while it is made', async () => {
    const old = Promise.resolve(world.answers.instanceList('default', 'orders', EVERYTHING));
    await new Promise(setImmediate);
    const { revision } = world.view;
    const state = new CatalogState();
    for (let n = 0; n < MANY; n++) state.put(anInstance({ instanceId: nameOf(n), weight: 3 }));
    state.touch('default', 'orders', world.view.serviceRevision('default', 'orders')!);
    world.view.replace({ head: { ...world.log.head, revision }, state, sentAtMs: 0 });
    await old;
    expect(await textOf(world.answers.instanceList('default', 'orders', EVERYTHING))).toContain('"weight":3');
  });
});

describe('a list of many services', () => {
  it('has the bytes of the plain list after any changes, also while it is made', async () => {
    world = new World(n => `s-${n % 300}`);
    const change = fc.record({
      n: fc.nat(MANY),
      weight: fc.nat(5),
      isNew: fc.boolean(),
      zone: fc.constantFrom('a', 'b'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 6 }), async rounds => {
        for (const changes of rounds) {
          const meanwhile = Promise.resolve(world.answers.serviceList('default'));
          const asked = world.view.namespaceRevision('default')!;
          for (const { n, weight, isNew, zone } of changes) {
            world.put(n, { service: isNew ? `t-${n}` : `s-${n % 300}`, weight, zone });
            await new Promise(setImmediate);
          }
          expect((await meanwhile).revision).toBeGreaterThanOrEqual(asked);
          expect(await textOf(world.answers.serviceList('default'))).toBe(world.plainServices());
        }
      }),
      { numRuns: 20 },
    );
  });

  it('is that of the plain list when one service has most instances, and shares pieces with the one before', async () => {
    world = new World(n => (n % 2 === 0 ? 'large' : `s-${n}-${LONG}`));
    for (let n = 0; n < 600; n++) world.put(n + 2_000, { service: 'large' });
    expect(await textOf(world.answers.serviceList('default'))).toBe(world.plainServices());
    expect(world.answers.keepsServiceList('default')).toBe(true);
    const before = await bodyOf(world.answers.serviceList('default'));
    world.put(1, { service: `s-1-${LONG}`, zone: 'elsewhere' });
    const after = await bodyOf(world.answers.serviceList('default'));
    expect(String(after)).toBe(world.plainServices());
    const memory = new Set(before.pieces.map(({ buffer }) => buffer));
    expect(before.pieces.length).toBeGreaterThan(4);
    expect(after.pieces.filter(({ buffer }) => !memory.has(buffer))).toHaveLength(3);
  });
});

describe('a list of many namespaces', () => {
  it('has the bytes of the plain list after any changes, and shares pieces with the one before', async () => {
    world = new World();
    const put = (n: number, instanceId: string, service = 'orders') =>
      world.view.apply([world.log.put(anInstance({ namespace: `n-${n}-${LONG}`, service, instanceId }))]);
    for (let n = 0; n < 700; n++) put(n, 'a');
    const plain = () => {
      const namespaces = [...world.view.namespaces().values()]
        .map(({ namespace, services, size }) => ({ namespace, services: services.size, instances: size }))
        .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
      return JSON.stringify({ revision: world.view.revision, namespaces });
    };
    const before = await bodyOf(world.answers.namespaceList());
    expect(String(before)).toBe(plain());
    put(300, 'b');
    put(300, 'c', 'mail');
    const after = await bodyOf(world.answers.namespaceList());
    expect(String(after)).toBe(plain());
    const memory = new Set(before.pieces.map(({ buffer }) => buffer));
    expect(after.pieces.filter(({ buffer }) => !memory.has(buffer))).toHaveLength(3);
    put(1_000, 'a');
    expect(await textOf(world.answers.namespaceList())).toBe(plain());
  });
});
