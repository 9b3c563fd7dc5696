import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AUDIT_ENTITIES,
  CATALOG_CHANNEL,
  CatalogHeadRepository,
  EPOCH_JUMP,
  EpochLogRepository,
  ServiceEventRepository,
} from '@coordination/audit';
import { Databases, NotificationListener, query } from '@coordination/database';
import { StartingError, StoreUnavailableError, systemClock } from '@coordination/kernel';
import {
  CatalogMirrorSlot,
  HistoryGuard,
  HistoryKeeper,
  INSTANCE_COLUMNS,
  REGISTRY_ENTITIES,
  type InstanceRecord,
} from '@coordination/registry';
import { CatalogAuthor } from '../../../../test/support/catalog-author.js';
import { anInstance } from '../../../../test/support/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { waitFor } from '../../../../test/support/wait-for.js';
import { CatalogFollower } from './catalog-follower.js';
import { CatalogLoader } from './catalog-loader.js';
import { CatalogView } from './catalog-view.js';
import { LocalMirror } from './local-mirror.js';
import { LogReader } from './log-reader.js';

/** So rarely that whatever is seen within the test was not found by polling. */
const NEVER_MS = 10 * 60_000;

interface NodeOptions {
  readonly url: string;
  readonly pollMs: number;
  readonly listens?: boolean;
  readonly pageSize?: number;
  readonly confirmMs?: number;
}

/** The read side of one node of the service. */
async function startNode({ url, pollMs, listens = false, pageSize, confirmMs = NEVER_MS }: NodeOptions) {
  const entities = [...AUDIT_ENTITIES, ...REGISTRY_ENTITIES];
  const databases = await Databases.open({ url, ssl: 'off', poolMax: 2, entities });
  const heads = new CatalogHeadRepository();
  const view = new CatalogView({ clock: systemClock, stalenessLimitSeconds: 600 });
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const logger = { log: say, warn: say, error: say };
  const events = new ServiceEventRepository();
  const slot = new CatalogMirrorSlot();
  slot.attach(new LocalMirror(view));
  const guard = new HistoryGuard({ heads, epochs: new EpochLogRepository(), mirror: slot });
  const follower = new CatalogFollower({
    view,
    loader: new CatalogLoader(databases, heads, systemClock, 7),
    reader: new LogReader(databases, heads, events, systemClock, pageSize),
    history: new HistoryKeeper({ databases, heads, events, guard, clock: systemClock, logger }, confirmMs),
    pollMs,
    logger,
    cutOff: () => databases.sever('view'),
  });
  let listening = 0;
  const listener = new NotificationListener({
    url,
    ssl: 'off',
    channel: CATALOG_CHANNEL,
    onNotification: payload => follower.hint(Number(payload)),
    onListening: () => {
      listening += 1;
      follower.look();
    },
  });
  follower.start();
  if (listens) listener.start();
  return {
    view,
    follower,
    said,
    mirror: new LocalMirror(view),
    timesListened: () => listening,
    stop: async () => {
      await Promise.all([follower.stop(), listener.stop()]);
      await databases.close();
    },
  };
}

type Node = Awaited<ReturnType<typeof startNode>>;

let database: TestDatabase;
let author: CatalogAuthor;
const nodes: Node[] = [];

const start = async (options: Omit<NodeOptions, 'url'> & { url?: string }): Promise<Node> => {
  const node = await startNode({ url: database.url, ...options });
  nodes.push(node);
  return node;
};

const ask = <Row>(text: string, parameters: unknown[] = []) =>
  query<Row>(author.databases.em('reads'), text, parameters);

beforeEach(async () => {
  database = await createTestDatabase();
  author = await CatalogAuthor.open(database.url);
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(node => node.stop()));
  await author.close();
  await database.drop();
});

const inView = (view: CatalogView): Map<string, InstanceRecord> =>
  new Map(
    [...view.namespaces().values()].flatMap(({ services }) =>
      [...services.values()].flatMap(({ instances }) => [...instances.values()].map(it => [it.id, it] as const)),
    ),
  );

/** Everything that the view holds, against the tables themselves (invariant 3). */
async function expectViewIsTable(view: CatalogView): Promise<void> {
  const [head] = await ask<{ revision: number; hash: string; epoch: string }>(
    'select revision::float8 as revision, hash, epoch from catalog_head',
  );
  expect(view.position).toMatchObject(head!);
  const rows = await ask<InstanceRecord>(`select ${INSTANCE_COLUMNS} from service_instance i`);
  expect(inView(view)).toEqual(new Map(rows.map(row => [row.id, row])));
  const services = await ask<{ namespace: string; service: string; revision: number }>(
    'select namespace, service, revision::float8 as revision from service_revision',
  );
  for (const { namespace, service, revision } of services) {
    expect(view.serviceRevision(namespace, service)).toBe(revision);
  }
}

const many = (count: number, fields: Partial<InstanceRecord> = {}) =>
  Array.from({ length: count }, (_, n) => anInstance({ instanceId: `orders-${n}`, ...fields }));

describe('a node that starts', () => {
  it('loads what is there, in many chunks, with the revisions of services that have gone', async () => {
    const [gone, ...rest] = await author.add(...many(30), ...many(3, { namespace: 'shop', service: 'mail' }));
    await author.change(rest[0]!, { weight: 7, metadata: { a: { b: [1, 'x', null] } } });
    await author.remove(gone!, ...rest.filter(it => it.service === 'mail'));
    const { view } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    await expectViewIsTable(view);
    expect(view.serviceRevision('shop', 'mail')).toBeGreaterThan(0);
    expect(view.instancesOf('shop', 'mail').size).toBe(0);
  });

  it('loads and follows while others write without a pause, and misses nothing', async () => {
    let records = await author.add(...many(20));
    const writing = (async () => {
      for (let round = 0; round < 40; round++) {
        const [first, second] = records as [InstanceRecord, InstanceRecord];
        const changed = [await author.change(first, { weight: round }), await author.change(second, { zone: 'z' })];
        records = [...records.slice(2), ...changed];
        if (round % 5 === 0) await author.remove(records.pop()!);
      }
    })();
    const early = await start({ pollMs: 50, listens: true, pageSize: 3 });
    await waitFor('the first node to follow', () => early.view.revision > 25);
    const late = await start({ pollMs: 50, pageSize: 3 });
    await writing;
    const [head] = await ask<{ revision: number }>('select revision::float8 as revision from catalog_head');
    for (const { view, follower } of [early, late]) {
      await expect(view.reached(head!.revision, 20_000)).resolves.toBe(true);
      await expectViewIsTable(view);
      expect(follower.reloads).toBe(0);
    }
  });
});

describe('a node that follows', () => {
  it('hears of changes without polling, and polls what it does not hear', async () => {
    const hearing = await start({ pollMs: NEVER_MS, listens: true });
    const polling = await start({ pollMs: 50 });
    await waitFor('listening', () => hearing.view.loaded && hearing.timesListened() === 1);
    const [added] = await author.add(anInstance());
    await waitFor('the notified node', () => hearing.view.find(added!.id));
    await waitFor('the polling node', () => polling.view.find(added!.id));
    await expectViewIsTable(hearing.view);
    await expectViewIsTable(polling.view);
  });

  it('catches up by polling when its listening connection is ended, and listens again', async () => {
    const { view, timesListened } = await start({ pollMs: 50, listens: true });
    await waitFor('listening', () => view.loaded && timesListened() === 1);
    await ask(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'platform-coordination listener'`,
    );
    const [added] = await author.add(anInstance());
    await waitFor('the change', () => view.find(added!.id));
    await waitFor('listening again', () => timesListened() === 2);
  });

  it('stays and grows older when its connection is ended, and is current again by itself', async () => {
    const { view, said } = await start({ pollMs: 50 });
    await waitFor('the view to be loaded', () => view.loaded);
    await ask(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'platform-coordination view'`,
    );
    const [added] = await author.add(anInstance());
    await waitFor('the change', () => view.find(added!.id));
    expect(said.join('\n')).not.toContain('broken');
    expect(() => view.assertReadable()).not.toThrow();
  });

  it('reads the log at once when somebody waits for a revision', async () => {
    const { view } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const [added] = await author.add(anInstance());
    await expect(view.reached(added!.revision, 20_000)).resolves.toBe(true);
  });
});

describe('the events of this node itself', () => {
  it('are readable at once, without the database', async () => {
    const { view, mirror } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const events = await author.write([{ after: anInstance() }]);
    const announced = mirror.announce(events);
    expect(view.revision).toBe(1);
    await expect(announced).resolves.toBe(true);
  });

  it('wait for those that other nodes committed before', async () => {
    const { view, mirror } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    await author.add(...many(5));
    const own = await author.write([{ after: anInstance({ service: 'own' }) }]);
    await expect(mirror.announce(own)).resolves.toBe(true);
    expect(view.instancesOf('default', 'own').size).toBe(1);
    await expectViewIsTable(view);
  });

  it('let a record be told as of a revision that was committed elsewhere', async () => {
    const { view, mirror } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const [added] = await author.add(anInstance());
    await expect(mirror.recordAt(added!, added!.revision)).resolves.toMatchObject({ id: added!.id });
    await expect(mirror.recordAt(anInstance({ service: 'no' }), added!.revision)).resolves.toBeUndefined();
    expect(mirror.peek(added!)).toMatchObject({ id: added!.id });
    await expect(mirror.recordAt(added!, 1_000)).rejects.toThrow(StoreUnavailableError);
  });
});

describe('a history that is not the one that was held', () => {
  const epochsBegun = async () =>
    await ask<{ revision: number; reason: string }>(
      `select revision::float8 as revision, after ->> 'reason' as reason from service_event
       where action = 'catalog.epoch_started'`,
    );
  const cutTheLog = `set session_replication_role = replica; delete from service_event where revision = 3;
    delete from service_instance where revision = 3; update service_revision set revision = 2;
    update catalog_head set revision = 2, hash = (select hash from service_event where revision = 2)`;

  it('is loaded anew: another epoch, of which the log does not tell', async () => {
    await author.add(...many(3));
    const { view, follower, said } = await start({ pollMs: 50 });
    await waitFor('the view to be loaded', () => view.loaded);
    await ask('update catalog_head set epoch = gen_random_uuid()');
    await waitFor('the new history', () => view.generation === 2);
    expect(follower.reloads).toBe(1);
    expect(said.join('\n')).toContain('The history of the catalog is broken: the epoch is another one');
    await expectViewIsTable(view);
    expect(await epochsBegun()).toEqual([]);
  });

  it.each([
    ['another newest event', `update catalog_head set hash = repeat('a', 64)`, 3, 'event-differs'],
    ['a log that is shorter than it was', cutTheLog, 2, 'log-shorter'],
  ])('ends, and a new epoch begins: %s', async (_, statement, survived, reason) => {
    await author.add(...many(3));
    const nodes = [await start({ pollMs: 50 }), await start({ pollMs: 50 })];
    for (const { view } of nodes) await waitFor('the view to be loaded', () => view.loaded);
    await ask(statement);
    for (const { view } of nodes) await waitFor('the new epoch', () => view.revision >= survived + EPOCH_JUMP);
    await author.add(anInstance({ service: 'later' }));
    for (const { view } of nodes) {
      await waitFor('what comes later', () => view.instancesOf('default', 'later').size === 1);
      expect(view.generation).toBe(2);
      expect(view.unknownBecause(survived)).toBeUndefined();
      expect(view.unknownBecause(survived + 1)).toBe('ended-epoch');
      await expectViewIsTable(view);
    }
    expect(await epochsBegun()).toEqual([{ revision: survived + EPOCH_JUMP, reason }]);
    const late = await start({ pollMs: 50 });
    await waitFor('a later node to be loaded', () => late.view.loaded);
    expect(late.view.unknownBecause(survived + 1)).toBe('ended-epoch');
    await expectViewIsTable(late.view);
  });

  it('is followed without a load by whoever held what survived', async () => {
    await author.add(...many(3));
    const { view, follower } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const [later] = await author.add(anInstance({ service: 'later' }));
    await ask('update catalog_head set timeline = timeline + 1');
    const starting = await start({ pollMs: 50, confirmMs: 0 });
    await waitFor('the new epoch', () => starting.view.loaded);
    expect(await epochsBegun()).toEqual([{ revision: 4 + EPOCH_JUMP, reason: 'server-unconfirmed' }]);
    follower.look();
    await waitFor('the node to follow', () => view.revision === 4 + EPOCH_JUMP);
    expect(follower.reloads).toBe(0);
    expect(view.find(later!.id)).toBeDefined();
    await expectViewIsTable(view);
    await expectViewIsTable(starting.view);
  });

  it('is not told of by a node that starts on another server, until somebody has confirmed it', async () => {
    await author.add(...many(3));
    const { view, follower } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    await ask('update catalog_head set timeline = timeline + 1');
    const starting = await start({ pollMs: 50 });
    await waitFor('the doubt to be told', () => starting.said.length > 0);
    expect(() => starting.view.assertReadable()).toThrow(StartingError);
    follower.look();
    await waitFor('the starting node', () => starting.view.loaded);
    await expectViewIsTable(starting.view);
    expect(await epochsBegun()).toEqual([]);
  });

  it('is confirmed while it is in doubt without a word to those who follow', async () => {
    await author.add(...many(3));
    const { view, follower } = await start({ pollMs: 50 });
    await waitFor('the view to be loaded', () => view.loaded);
    await ask('update catalog_head set timeline = timeline + 1');
    const isConfirmed = `select from catalog_head where timeline = (select timeline from catalog_server())`;
    await waitFor('the node to confirm', async () => (await ask(isConfirmed)).length === 1);
    expect({ generation: view.generation, reloads: follower.reloads }).toEqual({ generation: 1, reloads: 0 });
    expect(await epochsBegun()).toEqual([]);
  });
});

/** A way to the database that can be closed: nothing listens then, and what was connected is cut. */
class Gate {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private port = 0;

  constructor(private readonly target: URL) {}

  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  async open(): Promise<void> {
    this.server = createServer(socket => {
      const onward = connect(Number(this.target.port), this.target.hostname);
      for (const [from, to] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>(resolve => this.server!.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    if (this.server?.listening) await new Promise(resolve => this.server!.close(resolve));
  }
}

describe('a database that is away', () => {
  let gate: Gate;

  beforeEach(async () => {
    gate = new Gate(new URL(database.url));
    await gate.open();
  });

  afterEach(() => gate.close());

  it('at the start is waited for, and nothing is told meanwhile', async () => {
    await author.add(...many(3));
    const { url } = gate;
    await gate.close();
    const { view, said } = await start({ url, pollMs: 50, listens: true });
    await waitFor('the trouble to be told', () => said.length > 0);
    expect(() => view.assertReadable()).toThrow(StartingError);
    await gate.open();
    await waitFor('the view to be loaded', () => view.loaded);
    expect(() => view.assertReadable()).not.toThrow();
    await expectViewIsTable(view);
    expect(said.filter(line => line.includes('cannot be read'))).toHaveLength(1);
  });

  it('later leaves the view as it was, ever staler, until it is back', async () => {
    const [added] = await author.add(anInstance());
    const { view } = await start({ url: gate.url, pollMs: 50, listens: true });
    await waitFor('the view to be loaded', () => view.loaded);
    await gate.close();
    await author.add(anInstance({ service: 'unseen' }));
    const before = view.freshness().stalenessSeconds;
    await waitFor('the view to grow older', () => view.freshness().stalenessSeconds > before + 0.3);
    expect(view.find(added!.id)).toBeDefined();
    expect(view.instancesOf('default', 'unseen').size).toBe(0);
    await gate.open();
    await waitFor('the view to catch up', () => view.instancesOf('default', 'unseen').size === 1);
    await expectViewIsTable(view);
  });

  it('does not keep the node from ending', async () => {
    const node = await startNode({ url: gate.url, pollMs: 50, listens: true });
    await waitFor('the view to be loaded', () => node.view.loaded);
    await gate.close();
    const waiting = node.view.reached(1_000, 600_000);
    await node.stop();
    await expect(waiting).resolves.toBe(false);
  });
});
