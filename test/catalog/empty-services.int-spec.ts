import { type Databases, query } from '@coordination/database';
import { type CatalogWriter, type Command, type WriteRequest, type WriteResult } from '@coordination/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmptyServiceRepository, EmptyServicesJob, type EmptyServicesPace } from '@coordination/registry/testing';
import { someTasks } from '../support/nodes/background-tasks.js';
import { beginEpoch } from '../support/log/audit-log.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { anIdentity, registerCommand } from '../support/catalog/factories.js';
import { expectViewIsTable, startReadingNode } from '../support/nodes/reading-node.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { waitFor } from '../support/time/wait-for.js';
import { startWriter } from '../support/catalog/writer.js';

const DROPPED = 'catalog.empty_services_dropped';

interface JobOptions extends EmptyServicesPace {
  readonly max: number;
  readonly writer?: Pick<CatalogWriter, 'submit'>;
  readonly services?: EmptyServiceRepository;
}

/** A node that reads and writes, as a node of the service does. */
async function startNode(url: string) {
  const reading = await startReadingNode({ url, pollMs: 50, listens: true });
  const writing = await startWriter(url);
  await waitFor('the catalog is loaded', () => reading.view.loaded);
  writing.catalog.attach(reading.catalog);
  const jobs: EmptyServicesJob[] = [];
  return {
    view: reading.view,
    writer: writing.writer,
    databases: writing.databases,
    batches: writing.batches,
    submit: (command: Command) => writing.submit(command),
    startJob({ max, writer = writing.writer, services = new EmptyServiceRepository(), ...pace }: JobOptions) {
      const job = new EmptyServicesJob(reading.view, writer, services, max, someTasks(), { everyMs: 20, ...pace });
      jobs.push(job);
      job.onApplicationBootstrap();
      return job;
    },
    async close() {
      for (const job of jobs) await job.onModuleDestroy();
      await writing.close();
      await reading.stop();
    },
  };
}

type Node = Awaited<ReturnType<typeof startNode>>;

let database: TestDatabase;
let nodes: Node[];
let first: Node;
let second: Node;

beforeEach(async () => {
  database = await createTestDatabase();
  nodes = [await startNode(database.url), await startNode(database.url)];
  [first, second] = nodes as [Node, Node];
});

afterEach(async () => {
  await Promise.all(nodes.map(node => node.close()));
  await database.drop();
});

const ask = <Row>(text: string, databases: Databases = first.databases) => query<Row>(databases.em('reads'), text);

const register = async (service: string, namespace = 'default', node = first) =>
  await node.submit(registerCommand({ identity: anIdentity({ namespace, service, instanceId: 'only' }) }));

const deregister = async (service: string, namespace = 'default', node = first) => {
  const identity = anIdentity({ namespace, service, instanceId: 'only' });
  return await node.submit({ kind: 'deregister', target: { identity }, ifMatch: undefined });
};

const comeAndGo = async (services: readonly string[], namespace = 'default'): Promise<void> => {
  for (const service of services) {
    await register(service, namespace);
    await deregister(service, namespace);
  }
};

const known = async (): Promise<string[]> =>
  (
    await ask<{ name: string }>(`select namespace || '/' || service as name from service_revision order by revision`)
  ).map(({ name }) => name);

const floors = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await ask<{ namespace: string; revision: number }>(
        'select namespace, revision::float8 as revision from namespace_floor',
      )
    ).map(({ namespace, revision }) => [namespace, revision]),
  );

/** Both nodes have all that was written. */
const caughtUp = async (): Promise<void> =>
  await waitFor('both nodes have the same', () => first.view.revision === second.view.revision);

/** All nodes, those that follow and one that starts now, have what the tables have, which is what the log makes of it. */
async function assertSound(): Promise<void> {
  const { head, events } = await assertCatalogInvariants(database.url);
  const late = await startNode(database.url);
  nodes.push(late);
  for (const { view, databases } of nodes) {
    await waitFor('a node has all of the log', () => view.revision === head.revision);
    await expectViewIsTable(view, databases);
  }
  for (const { batchId } of events.filter(({ action }) => action === DROPPED)) {
    expect(events.filter(event => event.batchId === batchId)).toHaveLength(1);
  }
}

const droppings = async () =>
  (await assertCatalogInvariants(database.url)).events.filter(({ action }) => action === DROPPED);

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

/** Has both submit only when both have chosen. */
function together(...of: readonly Node[]): { submit(request: WriteRequest): Promise<WriteResult> }[] {
  let waiting = of.length;
  const { promise, resolve } = Promise.withResolvers<void>();
  return of.map(({ writer }) => ({
    async submit(request) {
      waiting -= 1;
      if (waiting === 0) resolve();
      await promise;
      return await writer.submit(request);
    },
  }));
}

describe('Services without instances', () => {
  it('are dropped when there are too many, oldest first, in small steps, on all nodes and in the table', async () => {
    await register('lives');
    await comeAndGo(numbered('s', 25));
    await caughtUp();
    second.startJob({ max: 10, atOnce: 4 });
    await waitFor('few enough are left', () => first.view.emptyServices <= 10);
    const left = first.view.emptyServices;
    expect(await known()).toEqual(['default/lives', ...numbered('default/s', 25).slice(25 - left)]);
    const events = await droppings();
    expect(events.length).toBeGreaterThan(3);
    expect(events[0]).toMatchObject({
      actor: 'system:catalog',
      source: 'system',
      reason: 'There are 25 services without instances, more than the 10 that are kept.',
      namespace: null,
      service: null,
      before: null,
      after: { upTo: { namespace: 'default', service: 's-3', revision: 9 } },
    });
    expect(await floors()).toEqual({ default: events.at(-1)!.revision });
    await assertSound();
  });

  it('are all kept up to the limit, and none with a limit of 0', async () => {
    await comeAndGo(numbered('s', 5));
    const job = first.startJob({ max: 5 });
    await comeAndGo(['s-0']);
    await caughtUp();
    second.startJob({ max: 0 });
    await waitFor('all are dropped', () => first.view.emptyServices === 0);
    await job.onModuleDestroy();
    expect(await droppings()).toHaveLength(1);
    expect(await known()).toEqual([]);
    await assertSound();
  });

  it('take their namespace with them when it has no other: one floor stands for all that are not known', async () => {
    for (const namespace of numbered('n', 30)) await comeAndGo(['a', 'b'], namespace);
    await register('lives', 'n-3');
    first.startJob({ max: 20 });
    await waitFor('few enough are left', () => first.view.emptyServices <= 20);
    const [dropped] = await droppings();
    expect(await floors()).toEqual({ '*': dropped!.revision, 'n-3': dropped!.revision });
    await assertSound();
  });

  it('are not dropped when they come back after they were chosen, by another node', async () => {
    await comeAndGo(['comes-back', 'gone', 'kept']);
    let isFirst = true;
    first.startJob({
      max: 1,
      writer: {
        async submit(request) {
          if (isFirst) await register('comes-back', 'default', second);
          isFirst = false;
          return await first.writer.submit(request);
        },
      },
    });
    await waitFor('the other one is dropped', async () => (await known()).length === 2);
    expect(await known()).toEqual(['default/kept', 'default/comes-back']);
    await assertSound();
  });

  it('raise no floor when all of them came back after they were chosen', async () => {
    await comeAndGo(['a', 'b']);
    let isFirst = true;
    first.startJob({
      max: 1,
      writer: {
        async submit(request) {
          if (isFirst) await register('a', 'default', second);
          isFirst = false;
          return await first.writer.submit(request);
        },
      },
    });
    await waitFor('there is an event', async () => (await droppings()).length === 1);
    expect(await floors()).toEqual({});
    expect(first.view.serviceRevision('default', 'never')).toBeUndefined();
    await assertSound();
  });

  it('are dropped once by two nodes that choose the same at the same moment', async () => {
    await register('lives');
    await comeAndGo(numbered('s', 8));
    await caughtUp();
    const [a, b] = together(first, second) as [JobOptions['writer'], JobOptions['writer']];
    first.startJob({ max: 3, writer: a });
    second.startJob({ max: 3, writer: b });
    await waitFor('both have dropped', async () => (await droppings()).length === 2);
    const [effective] = await droppings();
    expect(await floors()).toEqual({ default: effective!.revision });
    expect(await known()).toEqual(['default/lives', 'default/s-5', 'default/s-6', 'default/s-7']);
    await assertSound();
  });

  it('stay as they are when the transaction fails after they were removed, and go the next time', async () => {
    await comeAndGo(numbered('s', 4));
    const real = new EmptyServiceRepository();
    let failures = 0;
    const services: EmptyServiceRepository = {
      async drop(em, chosen) {
        await real.drop(em, chosen);
        if (failures++ < 2) throw new Error('the process ended here');
      },
    };
    first.startJob({ max: 1, services });
    await waitFor('it has failed', () => failures > 0);
    await waitFor('they are dropped', () => second.view.emptyServices === 1);
    expect(failures).toBe(3);
    expect(await droppings()).toHaveLength(1);
    await assertSound();
  });

  it('are dropped bit by bit when an epoch has left them all with one revision, and so are floors raised by one', async () => {
    await register('lives');
    await comeAndGo(['older', ...numbered('s', 9)]);
    const job = first.startJob({ max: 8 });
    await waitFor('one is dropped', () => second.view.emptyServices === 8);
    await job.onModuleDestroy();
    const { revision } = await beginEpoch(second.databases);
    expect(await floors()).toEqual({ default: revision });
    await waitFor('the epoch has begun', () => nodes.every(({ view }) => view.revision === revision));
    expect(second.view.serviceRevision('default', 'never')).toBe(revision);
    second.startJob({ max: 2, atOnce: 3 });
    await waitFor('few enough are left', () => first.view.emptyServices <= 2);
    expect(await known()).toEqual(expect.arrayContaining(['default/lives', 'default/s-7', 'default/s-8']));
    await assertSound();
  });

  it('come and go on two nodes while both drop, and nothing is lost: revisions rise, views, tables and log agree', async () => {
    const names = numbered('s', 12);
    const seen = new Map<string, number>();
    const look = (node: Node, name: string) => {
      const revision = node.view.serviceRevision('default', name) ?? node.view.revision;
      const key = `${nodes.indexOf(node)} ${name}`;
      expect(revision, key).toBeGreaterThanOrEqual(seen.get(key) ?? 0);
      seen.set(key, revision);
    };
    first.startJob({ max: 2, everyMs: 3, atOnce: 2 });
    second.startJob({ max: 2, everyMs: 3, atOnce: 2 });
    const client = async (node: Node, own: readonly string[]) => {
      for (let round = 0; round < 25; round++) {
        for (const name of own) {
          await register(name, 'default', node);
          for (const each of names) look(node, each);
          await deregister(name, 'default', node);
        }
      }
    };
    await Promise.all([
      client(first, names.slice(0, 3)),
      client(second, names.slice(3, 6)),
      client(first, names.slice(6, 9)),
      client(second, names.slice(9)),
    ]);
    await waitFor('few enough are left', () => first.view.emptyServices <= 2 && second.view.emptyServices <= 2);
    expect((await droppings()).length).toBeGreaterThan(10);
    await assertSound();
  });
});
