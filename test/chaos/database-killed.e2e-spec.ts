import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogNode, startNode } from '../support/catalog/catalog-service.js';
import { assertAnswersAreTrue, startMixedLoad } from '../support/http/mixed-load.js';
import { OwnPostgres } from '../support/database/own-postgres.js';
import { waitFor } from '../support/time/wait-for.js';

let postgres: OwnPostgres;
let nodes: CatalogNode[];

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  nodes = [await startNode(postgres.url), await startNode(postgres.url)];
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await postgres.remove();
});

const CONTENDED = '/api/v1/discovery/services/contended/instances?status=any';

describe.each(['SIGKILL', 'SIGQUIT'] as const)('PostgreSQL ended by %s in the middle of load', signal => {
  it('costs callers 503s, and nothing that was acknowledged', async () => {
    const load = startMixedLoad({
      apis: nodes.map(({ api }) => api),
      seed: signal === 'SIGKILL' ? 11 : 12,
      clients: 12,
      names: 6,
    });
    const { told } = load;
    const [node] = nodes as [CatalogNode];
    await waitFor('the load is under way', () => load.acknowledged() > 150);
    await postgres.kill(signal);

    // Nothing is told to be written, and what is known goes on being told, with its age.
    await waitFor('callers are told', () => told.filter(({ code }) => code === 'STORE_UNAVAILABLE').length > 50);
    const write = await node.api.send('POST', INSTANCES, { service: 'lost', host: '10.0.0.1', port: 80 });
    expect(write.body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
    expect(write.headers.get('retry-after')).toMatch(/^\d+$/);
    let staleness = 0;
    for (let n = 0; n < 3; n++) {
      await waitFor('staleness rises', async () => {
        const { status, headers, body } = await node.api.get<{ instances: unknown[] }>(CONTENDED);
        expect(status).toBe(200);
        expect(body.instances.length).toBeGreaterThan(0);
        const before = staleness;
        staleness = Number(headers.get('x-catalog-staleness'));
        return staleness > before && staleness > 0.5;
      });
    }
    expect((await node.api.get('/health/live')).status).toBe(200);
    expect((await node.api.get('/health/ready')).status).toBe(200);

    await postgres.startAgain();
    const before = load.acknowledged();
    await waitFor('the load goes on by itself', () => load.acknowledged() > before + 50);
    await load.stop();
    expect(
      told.filter(({ status }) => status === 0),
      'a caller was left without an answer',
    ).toEqual([]);
    const { events, head } = await assertCatalogInvariants(postgres.url);
    assertAnswersAreTrue(told, events, { faults: true });
    expect(events.filter(event => event.service === 'lost')).toEqual([]);
    const verified = await node.api.ok<object>('GET', '/api/v1/audit/verify');
    expect(verified).toMatchObject({ valid: true, checked: events.length, head: { revision: head.revision } });
    for (const { api } of nodes) {
      await waitFor('the view is at the head', async () => (await api.get(CONTENDED)).revision === head.revision);
    }
  });
});
