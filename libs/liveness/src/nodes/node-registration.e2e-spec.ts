import { afterEach, describe, expect, it } from 'vitest';
import { type LeasedView } from '../../../../test/support/api.js';
import {
  type CatalogNode,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
  startNode,
} from '../../../../test/support/catalog-service.js';
import { disposableDirectory, type DisposableDirectory } from '../../../../test/support/disposable-directory.js';
import { RestartableNode } from '../../../../test/support/restartable-node.js';
import { unhurried } from '../../../../test/support/slowness.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { waitFor } from '../../../../test/support/wait-for.js';

const SELF = { PCS_SELF_REGISTRATION: 'on', PCS_NODE_TTL_SECONDS: String(unhurried(2)), PCS_NODE_ID: 'node-a' };

let catalog: CatalogService | undefined;
let directory: DisposableDirectory | undefined;
let database: TestDatabase | undefined;

afterEach(async () => {
  await catalog?.close();
  await directory?.remove();
  await database?.drop();
  catalog = directory = database = undefined;
});

const nodesIn = async ({ api }: Pick<CatalogNode, 'api'>) =>
  (await discover(api, 'platform-coordination', 'system')).instances;

async function registered(node: Pick<CatalogNode, 'api'>): Promise<LeasedView> {
  await waitFor('the node is registered', async () => (await nodesIn(node)).length > 0);
  return (await nodesIn(node))[0]!;
}

describe('A node', () => {
  it('is in its own catalog, where it can be reached', async () => {
    catalog = await startCatalog({ env: SELF });
    const node = await registered(catalog.nodes[0]!);
    const { port } = new URL(catalog.api.url);
    expect(node).toMatchObject({ instanceId: 'node-a', host: '127.0.0.1', port: Number(port), status: 'healthy' });
    const [event] = await eventsOf(catalog.api, 'service=platform-coordination');
    expect(event).toMatchObject({ actor: 'system', source: 'system', action: 'instance.registered' });
  });

  it('renews itself, without a revision', async () => {
    catalog = await startCatalog({ env: SELF });
    const { id } = await registered(catalog.nodes[0]!);
    const head = await headOf(catalog.api);
    const { lastSeenAt } = await catalog.api.read(id);
    await waitFor('it was renewed', async () => (await catalog!.api.read(id)).lastSeenAt > lastSeenAt);
    expect(await headOf(catalog.api)).toBe(head);
  });

  it('comes back when somebody removed it', async () => {
    catalog = await startCatalog({ env: SELF });
    const { id } = await registered(catalog.nodes[0]!);
    await catalog.api.ok('DELETE', `/api/v1/registry/instances/${id}`);
    await waitFor('it is there again', async () => {
      const [node] = await nodesIn(catalog!.nodes[0]!);
      return node !== undefined && node.id !== id;
    });
  });

  it('takes itself out when it ends, so that others need not wait for its lease to end', async () => {
    catalog = await startCatalog();
    const leaving = await startNode(catalog.database.url, SELF);
    await registered(catalog.nodes[0]!);
    await leaving.close();
    await waitFor('it is gone', async () => (await nodesIn(catalog!.nodes[0]!)).length === 0);
    const events = await eventsOf(catalog.api, 'service=platform-coordination');
    expect(events.map(event => event.action)).toEqual(['instance.registered', 'instance.deregistered']);
  });

  it('that was killed and starts again under its name is the next process of the same instance', async () => {
    directory = disposableDirectory();
    database = await createTestDatabase();
    const node = await RestartableNode.start(directory, database.url, { ...SELF, PCS_NODE_TTL_SECONDS: '60' });
    const { id, lastSeenAt } = await registered(node).then(({ id: uuid }) => node.api.read(uuid));
    const { incarnation } = await node.api.read(id);
    await node.kill();
    await node.startAgain();
    await waitFor('it was renewed', async () => (await node.api.read(id)).lastSeenAt > lastSeenAt);
    const after = await node.api.read(id);
    expect(after).toMatchObject({ incarnationNumber: 2, version: 2, status: 'healthy' });
    expect(after.incarnation).not.toBe(incarnation);
  });

  it('whose name another one takes leaves it to that one, and registers again when that one has left', async () => {
    catalog = await startCatalog({ env: SELF });
    const [first] = catalog.nodes;
    const before = await registered(first!);
    const second = await startNode(catalog.database.url, SELF);
    await waitFor('the other one is registered', async () => (await nodesIn(first!))[0]!.port !== before.port);
    const [taken] = await nodesIn(first!);
    expect(taken).toMatchObject({ id: before.id, incarnationNumber: 2 });
    const seen = async () => (await first!.api.read(before.id)).lastSeenAt;
    for (let n = 0; n < 3; n++) {
      const last = await seen();
      await waitFor('it is renewed', async () => (await seen()) > last);
    }
    expect(await nodesIn(first!), 'the first one must not drive it away').toEqual([taken]);
    await second.close();
    await waitFor('the first one is back', async () => (await nodesIn(first!))[0]?.port === before.port);
    const events = await eventsOf(catalog.api, 'service=platform-coordination');
    expect(events.map(event => event.action)).toEqual([
      'instance.registered',
      'instance.incarnation_started',
      'instance.deregistered',
      'instance.registered',
    ]);
  });
});
