import { afterEach, describe, expect, it } from 'vitest';
import { type LeasedView } from '../../../../test/support/http/api.js';
import {
  type CatalogNode,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
  startNode,
} from '../../../../test/support/catalog/catalog-service.js';
import { disposableDirectory, type DisposableDirectory } from '../../../../test/support/disposable-directory.js';
import { RestartableNode } from '../../../../test/support/nodes/restartable-node.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { spawnLoadedNode } from '../../../../test/support/nodes/spawned-node.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

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

interface OwnPart {
  readonly status: string;
  readonly nodeId: string | null;
  readonly sharedWith: readonly { readonly host: string; readonly port: number }[];
  readonly message?: string;
}

/** The part of `/health` about the name of a node. */
async function ownPart({ api }: Pick<CatalogNode, 'api'>): Promise<OwnPart> {
  return (await api.get<{ details: { node: OwnPart } }>('/health')).body.details.node;
}

async function sharedWith({ api }: Pick<CatalogNode, 'api'>): Promise<number> {
  const { body } = await api.get<string>('/metrics');
  return Number(/^pcs_node_id_shared_with (\d+)$/m.exec(body)?.[1]);
}

describe('A node', () => {
  it('is registered in its own catalog, with its address', async () => {
    catalog = await startCatalog({ env: SELF });
    const node = await registered(catalog.nodes[0]!);
    const { port } = new URL(catalog.api.url);
    expect(node).toMatchObject({ instanceId: 'node-a', host: '127.0.0.1', port: Number(port), status: 'healthy' });
    const [event] = await eventsOf(catalog.api, 'service=platform-coordination');
    expect(event).toMatchObject({ actor: 'system', source: 'system', action: 'instance.registered' });
  });

  it('renews its lease, without a revision', async () => {
    catalog = await startCatalog({ env: SELF });
    const { id } = await registered(catalog.nodes[0]!);
    const head = await headOf(catalog.api);
    const { lastSeenAt } = await catalog.api.read(id);
    await waitFor('it was renewed', async () => (await catalog!.api.read(id)).lastSeenAt > lastSeenAt);
    expect(await headOf(catalog.api)).toBe(head);
  });

  it('registers again after it was removed', async () => {
    catalog = await startCatalog({ env: SELF });
    const { id } = await registered(catalog.nodes[0]!);
    await catalog.api.ok('DELETE', `/api/v1/registry/instances/${id}`);
    await waitFor('it is registered again', async () => {
      const [node] = await nodesIn(catalog!.nodes[0]!);
      return node !== undefined && node.id !== id;
    });
  });

  it('deregisters when it ends, so that other nodes need not wait for the end of its lease', async () => {
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

  it('leaves its ID to another node that takes it, and takes it again when that node has ended', async () => {
    catalog = await startCatalog({ env: SELF });
    const [first] = catalog.nodes;
    const before = await registered(first!);
    const second = await startNode(catalog.database.url, SELF);
    await waitFor('both are registered', async () => (await nodesIn(first!)).length === 2);
    const [taken, other] = (await nodesIn(first!)).toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
    expect(taken).toMatchObject({ id: before.id, instanceId: 'node-a', incarnationNumber: 2 });
    expect(taken!.port).not.toBe(before.port);
    expect(other).toMatchObject({ port: before.port, metadata: { sharedNodeId: 'node-a' } });
    expect(other!.instanceId).toMatch(/^node-a@[0-9a-f]{8}$/);
    const seen = async (id: string) => (await first!.api.read(id)).lastSeenAt;
    for (const { id } of [taken!, other!]) {
      for (let n = 0; n < 3; n++) {
        const last = await seen(id);
        await waitFor('it is renewed', async () => (await seen(id)) > last);
      }
    }
    expect(await nodesIn(first!), 'neither must replace the other').toHaveLength(2);
    await second.close();
    await waitFor('the first one has its ID again, and nothing else', async () => {
      const [node, ...others] = await nodesIn(first!);
      return node?.port === before.port && node.instanceId === 'node-a' && others.length === 0;
    });
    const events = await eventsOf(catalog.api, 'service=platform-coordination');
    expect(events.map(({ action, instanceId }) => `${action} ${instanceId?.replace(/@.*/, '@')}`)).toEqual([
      'instance.registered node-a',
      'instance.incarnation_started node-a',
      'instance.registered node-a@',
      'instance.deregistered node-a',
      'instance.registered node-a',
      'instance.deregistered node-a@',
    ]);
  });

  it('reports another live node with its ID, and vice versa, until one of them has ended', async () => {
    catalog = await startCatalog({ env: SELF });
    const [first] = catalog.nodes;
    await registered(first!);
    expect(await ownPart(first!)).toMatchObject({ status: 'up', nodeId: 'node-a', sharedWith: [] });
    const second = await startNode(catalog.database.url, SELF);
    for (const [node, other] of [
      [first!, second],
      [second, first!],
    ] as const) {
      await waitFor('it is reported', async () => (await ownPart(node)).status === 'degraded');
      const port = Number(new URL(other.url).port);
      const part = await ownPart(node);
      expect(part.sharedWith).toMatchObject([{ host: '127.0.0.1', port }]);
      expect(part.message).toContain('The node ID node-a is used by 2 live nodes');
      expect(part.message).toContain(`127.0.0.1:${port}`);
      expect(part.message).toContain('PCS_NODE_ID');
      expect(await sharedWith(node)).toBe(1);
      expect((await node.api.get('/health/ready')).status).toBe(200);
    }
    // The names differ, so that each has its share of the probes.
    expect((await ownPart(first!)).nodeId).not.toBe((await ownPart(second)).nodeId);
    await second.close();
    await waitFor('it is over', async () => (await ownPart(first!)).status === 'up');
    expect(await ownPart(first!)).toMatchObject({ sharedWith: [] });
    await waitFor('it has its ID again', async () => (await ownPart(first!)).nodeId === 'node-a');
    expect(await sharedWith(first!)).toBe(0);
  });

  it('takes its ID again from a node that was killed; each of three nodes has another name', async () => {
    directory = disposableDirectory();
    catalog = await startCatalog({ env: SELF });
    const [first] = catalog.nodes;
    await registered(first!);
    const killed = await RestartableNode.start(directory, catalog.database.url, SELF);
    await waitFor('both are registered', async () => (await nodesIn(first!)).length === 2);
    const third = await startNode(catalog.database.url, SELF);
    await waitFor('all are registered', async () => (await nodesIn(first!)).length === 3);
    for (const node of [first!, killed, third]) {
      await waitFor('it knows both others', async () => (await ownPart(node)).sharedWith.length === 2);
    }
    await killed.kill();
    await third.close();
    await waitFor('the last one knows no other', async () => {
      const { status, nodeId } = await ownPart(first!);
      return status === 'up' && nodeId === 'node-a';
    });
  });

  it('that drains leaves its ID to its successor, and neither reports the other', async () => {
    directory = disposableDirectory();
    catalog = await startCatalog();
    const leaving = await spawnLoadedNode(directory, catalog.database.url, {
      ...SELF,
      PORT: '0',
      PCS_SHUTDOWN_DRAIN_SECONDS: String(unhurried(8)),
    });
    const { id, incarnation } = await registered(leaving);
    leaving.process.signal('SIGTERM');
    let hasEnded = false;
    void leaving.process.ended.then(() => (hasEnded = true));
    const successor = await startNode(catalog.database.url, SELF);
    try {
      await waitFor('the successor has the ID', async () => (await catalog!.api.read(id)).incarnation !== incarnation);
      const told = new Set<string>();
      await waitFor('the one before has ended', async () => {
        told.add((await ownPart(successor)).status);
        return hasEnded;
      });
      told.add((await ownPart(successor)).status);
      expect([...told]).toEqual(['up']);
      expect(await nodesIn(catalog.nodes[0]!)).toHaveLength(1);
    } finally {
      await successor.close();
    }
  });

  it('that restarts does not report the process before', async () => {
    directory = disposableDirectory();
    catalog = await startCatalog();
    const node = await RestartableNode.start(directory, catalog.database.url, {
      ...SELF,
      PCS_NODE_TTL_SECONDS: String(unhurried(15)),
    });
    const { id, incarnation } = await registered(node);
    await node.kill();
    await node.startAgain();
    const told: string[] = [];
    await waitFor('the new process is registered', async () => {
      told.push((await ownPart(node)).status);
      return (await catalog!.api.read(id)).incarnation !== incarnation;
    });
    const { lastSeenAt } = await catalog.api.read(id);
    await waitFor('it was renewed', async () => {
      told.push((await ownPart(node)).status);
      return (await catalog!.api.read(id)).lastSeenAt > lastSeenAt;
    });
    expect(new Set(told)).toEqual(new Set(['up']));
    expect(await nodesIn(catalog.nodes[0]!)).toHaveLength(1);
  });
});
