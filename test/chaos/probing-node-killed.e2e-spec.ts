import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogService, startCatalog } from '../support/catalog/catalog-service.js';
import { disposableDirectory, type DisposableDirectory } from '../support/disposable-directory.js';
import { metricOf } from '../support/nodes/metrics.js';
import { unhurried } from '../support/time/slowness.js';
import { type SpawnedNode, spawnLoadedNode } from '../support/nodes/spawned-node.js';
import { type Target, tcpTarget } from '../support/http/targets.js';
import { PATIENCE_MS, waitFor } from '../support/time/wait-for.js';

const INSTANCES = 40;
/** What a share needs to move: a lease of 2 s, its end, and the first probes. */

let directory: DisposableDirectory;
/** Takes no part in probing, and so sees only what others do. */
let bystander: CatalogService;
let nodes: SpawnedNode[];
let target: Target;

beforeAll(async () => {
  directory = disposableDirectory();
  bystander = await startCatalog();
  target = await tcpTarget(() => undefined);
  const env = { PCS_SELF_REGISTRATION: 'on', PCS_NODE_TTL_SECONDS: String(unhurried(2)) };
  nodes = await Promise.all([1, 2].map(() => spawnLoadedNode(directory, bystander.database.url, env)));
});
afterAll(async () => {
  await directory.remove();
  await bystander.close();
  await target.close();
});

const owned = ({ api }: SpawnedNode) => metricOf(api, 'pcs_probes_owned');

describe('A node that probes and is killed', () => {
  it('leaves its share to the others, and nothing unprobed', async () => {
    const ids: string[] = [];
    for (let n = 0; n < INSTANCES; n++) {
      const check = { kind: 'tcp', intervalSeconds: 1 };
      const instanceId = `probed-${n}`;
      ids.push((await bystander.api.register({ instanceId, host: '127.0.0.1', port: target.port, check })).id);
    }
    await waitFor(
      'each has a share, and all of it together is everything',
      async () => {
        const [first, second] = [await owned(nodes[0]!), await owned(nodes[1]!)];
        return first > 0 && second > 0 && first + second === INSTANCES;
      },
      PATIENCE_MS,
    );
    await waitFor('all are healthy', async () => {
      const path = '/api/v1/discovery/services/orders/instances';
      return (await bystander.api.ok<{ instances: unknown[] }>('GET', path)).instances.length === INSTANCES;
    });
    nodes[0]!.process.signal('SIGKILL');
    await nodes[0]!.process.ended;
    const since = new Date().toISOString();
    await waitFor('the other probes all', async () => (await owned(nodes[1]!)) === INSTANCES, PATIENCE_MS);
    for (const id of ids) {
      await waitFor(
        `${id} was probed after that`,
        async () => ((await bystander.api.read(id)).health.lastCheckedAt ?? '') > since,
        PATIENCE_MS,
      );
    }
    const { items } = await bystander.api.ok<{ items: unknown[] }>(
      'GET',
      `/api/v1/audit/events?service=orders&action=instance.health_changed&limit=1000`,
    );
    expect(items, 'a node that died made instances look ill').toHaveLength(INSTANCES);
  });
});
