import { expect, it } from 'vitest';
import { INSTANCES } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { startCatalog } from '../../support/catalog/catalog-service.js';
import { waitFor } from '../../support/time/wait-for.js';

it('a full queue is told by 429, and whoever waited in it is served', async () => {
  const catalog = await startCatalog({ env: { PCS_WRITE_QUEUE_MAX: '10', PCS_HEAD_HOLD_LIMIT_MS: '60000' } });
  await catalog.sql('begin');
  await catalog.sql('select from catalog_head for update');
  const full: string[] = [];
  const writes = Array.from({ length: 40 }, async (_, n) => {
    const body = { service: 'orders', instanceId: `i-${n}`, host: '10.0.0.1', port: 80 };
    const answer = await catalog.api.send('POST', INSTANCES, body);
    if (answer.status === 429) {
      expect(answer.body).toMatchObject({ status: 429, code: 'QUEUE_FULL' });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      full.push(body.instanceId);
    }
    return answer.status;
  });
  await waitFor('the queue is full', () => full.length > 0);
  await catalog.sql('commit');
  const statuses = await Promise.all(writes);
  const done = statuses.filter(status => status === 201).length;
  expect(done + full.length).toBe(40);
  expect(done).toBeGreaterThanOrEqual(10);
  const { events } = await assertCatalogInvariants(catalog.database.url);
  expect(events).toHaveLength(done);
  expect(events.filter(event => full.includes(event.instanceId ?? ''))).toEqual([]);
  await catalog.close();
});
