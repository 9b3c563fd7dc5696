import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Databases, query } from '@coordination/database';
import { INSTANCES, type LeasedView } from '../../support/http/api.js';
import { type CatalogService, discover, startCatalog } from '../../support/catalog/catalog-service.js';
import { metricOf } from '../../support/nodes/metrics.js';
import { waitFor } from '../../support/time/wait-for.js';

const READS = 3;

let catalog: CatalogService;
let instance: LeasedView;

beforeAll(async () => {
  catalog = await startCatalog({ env: { DATABASE_POOL_MAX: String(READS) } });
  instance = await catalog.api.register();
});
afterAll(() => catalog.close());

/** Keeps every connection for reads busy, as reads of the past do that take long. @returns how to let them go */
async function occupyReads(): Promise<() => Promise<void>> {
  const databases = catalog.nodes[0]!.app.get(Databases);
  const release = Promise.withResolvers<void>();
  const held: Promise<void>[] = [];
  for (let n = 0; n < READS; n++) {
    const begun = Promise.withResolvers<void>();
    const transaction = databases.em('reads').transactional(async em => {
      await query(em, 'select 1');
      begun.resolve();
      await release.promise;
    });
    held.push(transaction);
    await begun.promise;
  }
  return async () => {
    release.resolve();
    await Promise.all(held);
  };
}

describe('reads of the past that occupy every connection for reads', () => {
  it('starve neither heartbeats, nor writes, nor discovery, nor searches, nor readiness', async () => {
    const release = await occupyReads();
    let answered = 0;
    const reads = Array.from({ length: 20 }, async () => {
      const { status } = await catalog.api.get('/api/v1/discovery/instances?metadata=%7B%22a%22%3A1%7D&asOf=1');
      answered += 1;
      return status;
    });
    try {
      const before = await catalog.sql<{ at: Date }>('select renewed_at as at from instance_lease');
      const beats = Array.from({ length: 50 }, () => catalog.api.send('PUT', `${INSTANCES}/${instance.id}/heartbeat`));
      expect(new Set((await Promise.all(beats)).map(({ status }) => status))).toEqual(new Set([204]));
      await waitFor('the renewal is noted', async () => {
        const [row] = await catalog.sql<{ at: Date }>('select max(renewed_at) as at from instance_lease');
        return row!.at > before[0]!.at;
      });
      const writes = Array.from({ length: 20 }, (_, n) =>
        catalog.api.register({ service: 'meanwhile', instanceId: `i-${n}` }),
      );
      await Promise.all(writes);
      expect((await discover(catalog.api, 'meanwhile')).instances).toHaveLength(20);
      const search = await catalog.api.get<{ items: unknown[] }>('/api/v1/discovery/instances?service=meanwhile');
      expect(search.body.items).toHaveLength(20);
      // Says nothing new: answered from memory, after a look at the head.
      expect((await catalog.api.register()).version).toBe(1);
      expect((await catalog.api.get('/health/ready')).status).toBe(200);
      const health = await catalog.api.get<{ details: Record<string, unknown> }>('/health');
      expect(health.body.details).toMatchObject({ database: { status: 'up' }, work: { database: { taken: 2 } } });
      expect(await metricOf(catalog.api, 'pcs_work_places_taken')).toBe(2);
      expect(answered, 'the reads waited all the while').toBe(0);
    } finally {
      await release();
    }
    expect(new Set(await Promise.all(reads))).toEqual(new Set([200]));
  });
});

describe('200 callers of single instances that get no connection', () => {
  it('starve neither heartbeats, nor writes, nor reads from memory, also strong ones; they meet no outage', async () => {
    const release = await occupyReads();
    const reads = Array.from({ length: 200 }, () => catalog.api.get(`${INSTANCES}/${instance.id}`));
    try {
      await waitFor('they wait for a connection', async () => {
        const text = await catalog.api.ok<string>('GET', '/metrics');
        return /pcs_database_connections\{purpose="reads",state="waiting"\} [1-9]/.test(text);
      });
      const beats = Array.from({ length: 50 }, () => catalog.api.send('PUT', `${INSTANCES}/${instance.id}/heartbeat`));
      expect(new Set((await Promise.all(beats)).map(({ status }) => status))).toEqual(new Set([204]));
      await catalog.api.register({ service: 'besides', instanceId: 'i' });
      for (const path of [
        '/api/v1/discovery/services/besides/instances?consistency=strong',
        '/api/v1/discovery/instances?service=besides&consistency=strong',
        '/api/v1/discovery/services/besides/resolve?consistency=strong',
        '/health/ready',
        '/health',
      ]) {
        expect((await catalog.api.get(path)).status, path).toBe(200);
      }
    } finally {
      await release();
    }
    // They waited until a connection was free, or for as long as a caller waits for one.
    const refused = (await Promise.all(reads)).filter(({ status }) => status !== 200);
    expect(refused.map(({ body }) => body.code)).toEqual(refused.map(() => 'OVERLOADED'));
  });
});
