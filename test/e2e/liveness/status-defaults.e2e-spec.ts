import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { named } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { RecordingWatcher } from '../../support/watch/recording-watcher.js';
import { waitFor } from '../../support/time/wait-for.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
  for (const instanceId of ['fit', 'sick']) await catalog.api.register({ instanceId });
  const override = { status: 'maintenance', reason: 'disk swap' };
  await catalog.api.ok('PUT', `${named('sick')}/override`, override);
});
afterAll(() => catalog.close());

interface Instances {
  readonly instances: readonly { readonly instanceId: string }[];
}

async function listed(query: string): Promise<string[]> {
  const path = `/api/v1/discovery/services/orders/instances?consistency=strong${query}`;
  const { instances } = await catalog.api.ok<Instances>('GET', path);
  return instances.map(({ instanceId }) => instanceId);
}

async function watched(query: string): Promise<string[]> {
  const watcher = RecordingWatcher.start({ apis: [catalog.api], query: `service=orders${query}`, seed: 1 });
  const frames = () => watcher.connections.flatMap(connection => connection.frames);
  await waitFor('the snapshot has come', () => frames().some(({ event }) => event === 'snapshot'));
  const snapshot = frames().find(({ event }) => event === 'snapshot')!;
  await watcher.stop();
  return (snapshot.data.instances ?? []).map(({ instanceId }) => instanceId).sort();
}

describe('Which statuses are selected', () => {
  it('is another default for a list and for a watch, as the documents say', async () => {
    expect(await listed('')).toEqual(['fit']);
    expect(await watched('')).toEqual(['fit', 'sick']);
    const { body } = await catalog.api.get<{ paths: Record<string, { get: { description: string } }> }>(
      '/openapi.json',
    );
    for (const path of ['services/{service}/instances', 'watch']) {
      const { description } = body.paths[`/api/v1/discovery/${path}`]!.get;
      expect(description).toContain('set it on both to watch what was listed');
    }
  });

  it.each(['&status=healthy,degraded', '&status=any', '&status=maintenance'])(
    'is the same for both where the query says it (%s)',
    async query => {
      expect(await watched(query)).toEqual(await listed(query));
    },
  );
});
