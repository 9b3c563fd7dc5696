import { afterAll, beforeAll, expect, it } from 'vitest';
import { INSTANCES } from '../../../../test/support/http/api.js';
import { type CatalogService, startCatalog } from '../../../../test/support/catalog/catalog-service.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { type LivenessReported } from '../api/liveness-report.service.js';
import { type Explanation } from './explanation.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ env: { PCS_SELF_REGISTRATION: 'on', PCS_NODE_ID: 'node-a' } });
});
afterAll(() => catalog.close());

it('explains which node probes an instance, the result, and what would heal it', async () => {
  const { api } = catalog;
  // No process listens on port 1.
  const check = { kind: 'tcp', intervalSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 };
  const { id } = await api.register({ host: '127.0.0.1', port: 1, check });
  const explained = () => api.ok<Explanation>('GET', `${INSTANCES}/${id}/explain`);
  await waitFor('it was probed', async () => (await explained()).decidedBy === 'probe');
  const { status, because, probedBy, signs, next, notes } = await explained();
  expect({ status, probedBy, next }).toEqual({ status: 'unhealthy', probedBy: 'node-a', next: [] });
  // It goes on being probed.
  expect(because).toMatch(/^(One probe of it has|\d+ probes of it have) failed.*; it has been unhealthy/);
  expect(signs.find(({ sign }) => sign === 'probe-healthy')?.status).toBe('healthy');
  expect(notes).toEqual(['Its lease never ends: only probes notice when it dies.']);

  const { probes } = await api.ok<LivenessReported>('GET', '/api/v1/liveness');
  expect(probes).toMatchObject({ thisNode: { owned: 1 }, byNode: [{ nodeId: 'node-a', owned: 1 }] });
});
