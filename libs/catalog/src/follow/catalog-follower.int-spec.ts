import { createServer, connect, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { query } from '@coordination/database';
import { StartingError, StoreUnavailableError } from '@coordination/kernel';
import { type InstanceRecord } from '../model/instance.js';
import { CatalogAuthor } from '../../../../test/support/catalog/catalog-author.js';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import {
  expectViewIsTable,
  NEVER_MS,
  type ReadingNode,
  type ReadingNodeOptions,
  startReadingNode,
} from '../../../../test/support/nodes/reading-node.js';
import { lastingPort } from '../../../../test/support/database/lasting-port.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

let database: TestDatabase;
let author: CatalogAuthor;
const nodes: ReadingNode[] = [];

const start = async (options: Omit<ReadingNodeOptions, 'url'> & { url?: string }): Promise<ReadingNode> => {
  const node = await startReadingNode({ url: database.url, ...options });
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

const many = (count: number, fields: Partial<InstanceRecord> = {}) =>
  Array.from({ length: count }, (_, n) => anInstance({ instanceId: `orders-${n}`, ...fields }));

describe('a node that starts', () => {
  it('loads everything in many chunks, with the revisions of services without instances', async () => {
    const [gone, ...rest] = await author.add(...many(30), ...many(3, { namespace: 'shop', service: 'mail' }));
    await author.change(rest[0]!, { weight: 7, metadata: { a: { b: [1, 'x', null] } } });
    await author.remove(gone!, ...rest.filter(it => it.service === 'mail'));
    const { view } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    await expectViewIsTable(view, author.databases);
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
    for (const { view, updater } of [early, late]) {
      await expect(view.reached(head!.revision, 20_000)).resolves.toBe(true);
      await expectViewIsTable(view, author.databases);
      expect(updater.reloads).toBe(0);
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
    await expectViewIsTable(hearing.view, author.databases);
    await expectViewIsTable(polling.view, author.databases);
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
    await waitFor('listening again', () => timesListened() >= 2);
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

  it('reads the log at once when a caller waits for a revision', async () => {
    const { view } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const [added] = await author.add(anInstance());
    await expect(view.reached(added!.revision, 20_000)).resolves.toBe(true);
  });
});

describe('the events of this node itself', () => {
  it('are readable at once, without the database', async () => {
    const { view, catalog } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const events = await author.write([{ after: anInstance() }]);
    const announced = catalog.announce(events);
    expect(view.revision).toBe(1);
    await expect(announced).resolves.toBe(true);
  });

  it('wait for those that other nodes committed before', async () => {
    const { view, catalog } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    await author.add(...many(5));
    const own = await author.write([{ after: anInstance({ service: 'own' }) }]);
    await expect(catalog.announce(own)).resolves.toBe(true);
    expect(view.instancesOf('default', 'own').size).toBe(1);
    await expectViewIsTable(view, author.databases);
  });

  it('let a record be read as of a revision that was committed elsewhere', async () => {
    const { view, catalog } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const [added] = await author.add(anInstance());
    await expect(catalog.recordAt(added!, added!.revision)).resolves.toMatchObject({ id: added!.id });
    await expect(catalog.recordAt(anInstance({ service: 'no' }), added!.revision)).resolves.toBeUndefined();
    expect(catalog.peek(added!)).toMatchObject({ id: added!.id });
    await expect(catalog.recordAt(added!, 1_000)).rejects.toThrow(StoreUnavailableError);
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
    this.port ||= await lastingPort();
    await new Promise<void>(resolve => this.server!.listen(this.port, '127.0.0.1', resolve));
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

  it('at the start is awaited, and reads are refused meanwhile', async () => {
    await author.add(...many(3));
    const { url } = gate;
    await gate.close();
    const { view, following } = await start({ url, pollMs: 50, listens: true });
    await waitFor('the trouble to be told', () => following.task.trouble);
    expect(() => view.assertReadable()).toThrow(StartingError);
    await gate.open();
    await waitFor('the view to be loaded', () => view.loaded);
    expect(() => view.assertReadable()).not.toThrow();
    await expectViewIsTable(view, author.databases);
    await waitFor('it is told that it is over', () => following.lines.length > 1);
    expect(following.lines.map(({ level }) => level)).toEqual(['warn', 'log']);
    expect(following.lines[0]!.msg).toContain('ECONNREFUSED');
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
    await expectViewIsTable(view, author.databases);
  });

  it('does not keep the node from ending', async () => {
    const node = await startReadingNode({ url: gate.url, pollMs: 50, listens: true });
    await waitFor('the view to be loaded', () => node.view.loaded);
    await gate.close();
    const waiting = node.view.reached(1_000, 600_000);
    await node.stop();
    await expect(waiting).resolves.toBe(false);
  });
});
