import { memoryShares } from '@coordination/config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { INSTANCES, LONG_LEASE } from '../../support/http/api.js';
import { type SpawnedNode, spawnLoadedNode } from '../../support/nodes/spawned-node.js';
import { eventually } from '../../support/time/eventually.js';
import { waitFor } from '../../support/time/wait-for.js';

const SMALL_BUDGET_MB = 128;
const COUNT = 450;

interface Health {
  readonly status: string;
  readonly details: { readonly memory: Readonly<Record<string, unknown>> };
}

let directory: DisposableDirectory;
let catalog: CatalogService;
let node: SpawnedNode;

/** A catalog that does not fit into the share of the catalog in the smallest budget. */
beforeAll(async () => {
  directory = disposableDirectory();
  catalog = await startCatalog();
  const notes = Array.from({ length: 300 }, (_, n) => `${n} ${'x'.repeat(80)}`);
  for (let first = 0; first < COUNT; first += 30) {
    const instances = Array.from({ length: 30 }, (_, n) => ({
      service: 'large',
      instanceId: `large-${first + n}`,
      host: '10.0.0.1',
      port: 80,
      check: LONG_LEASE,
      metadata: { notes },
    }));
    await catalog.api.ok('POST', `${INSTANCES}/batch`, { instances });
  }
  node = await spawnLoadedNode(directory, catalog.database.url, { PCS_MEMORY_BUDGET_MB: String(SMALL_BUDGET_MB) });
});
afterAll(async () => {
  await catalog.close();
  await directory.remove();
});

describe('a node whose catalog outgrows its memory budget', () => {
  it('reports it by its health and its log, and remains ready', async () => {
    await eventually(async () => {
      const { status, body } = await node.api.get<Health>('/health');
      expect(status).toBe(200);
      expect(body.status).toBe('degraded');
      expect(body.details.memory).toMatchObject({
        status: 'degraded',
        budgetBytes: SMALL_BUDGET_MB * 1024 * 1024,
        message: expect.stringMatching(/^The catalog takes about \d+ MiB, .*PCS_MEMORY_BUDGET_MB/),
      });
    });
    expect((await node.api.get('/health/ready')).status).toBe(200);
    await waitFor('a line of the log says so', () => node.process.output.includes('The catalog takes about'));
    expect(node.process.output.match(/The catalog takes about/g)).toHaveLength(1);
  });

  it('still answers for all of it, and takes more', async () => {
    const list = () =>
      node.api.get<{ counts: { total: number } }>('/api/v1/discovery/services/large/instances?limit=1');
    expect((await list()).body.counts.total).toBe(COUNT);
    await node.api.ok('POST', INSTANCES, {
      service: 'large',
      instanceId: 'one-more',
      host: '10.0.0.1',
      port: 80,
      check: LONG_LEASE,
    });
    expect((await list()).body.counts.total).toBe(COUNT + 1);
  });

  it('has metrics from which an alert can be made', async () => {
    const text = await (await fetch(`${node.api.url}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^pcs_memory_${name}_bytes (\\S+)$`, 'm').exec(text)?.[1]);
    expect(value('catalog')).toBeGreaterThan(value('catalog_share'));
    expect(value('catalog_share')).toBe(memoryShares({ PCS_MEMORY_BUDGET_MB: SMALL_BUDGET_MB }).catalog);
    expect(value('heap_limit')).toBe(memoryShares({ PCS_MEMORY_BUDGET_MB: SMALL_BUDGET_MB }).heapLimit);
    expect(value('budget')).toBe(SMALL_BUDGET_MB * 1024 * 1024);
  });

  it('and the node with a larger budget has nothing to report of the same catalog', async () => {
    const { body } = await catalog.api.get<Health>('/health');
    expect(body.details.memory).toMatchObject({ status: 'up' });
  });
});
