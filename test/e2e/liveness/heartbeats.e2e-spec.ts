import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogFollower } from '@coordination/catalog/testing';
import { INSTANCES, type LeasedView, named, type Problem } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { brief, type CatalogService, eventsOf, headOf, startCatalog } from '../../support/catalog/catalog-service.js';
import { waitFor } from '../../support/time/wait-for.js';

let catalog: CatalogService;

/** Its view does not move any more: it hears of nothing that happens through others. */
const DEAF = 2;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 3 });
  await catalog.nodes[DEAF]!.app.get(CatalogFollower).stop();
});
afterAll(async () => {
  await assertCatalogInvariants(catalog.database.url);
  await catalog.close();
});

const HEARTBEATS = '/api/v1/registry/heartbeats';
const byId = ({ id }: { readonly id: string }) => `${INSTANCES}/${id}/heartbeat`;
const byName = ({ instanceId }: LeasedView) => `${named(instanceId)}/heartbeat`;
const beat = (path: string, node = 0) => catalog.nodes[node]!.api.send('PUT', path);

const send = <T = Problem>(ids: unknown, node = 0) => catalog.nodes[node]!.api.send<T>('POST', HEARTBEATS, { ids });

/** Takes the last renewal of an instance back in time. */
const age = (ids: readonly string[]) =>
  catalog.sql(`update instance_lease set renewed_at = now() - interval '20 s' where instance_id = any($1::uuid[])`, [
    ids,
  ]);

const agedOf = async (ids: readonly string[]) => {
  const [row] = await catalog.sql<{ count: number }>(
    `select count(*)::int as count from instance_lease
     where instance_id = any($1::uuid[]) and renewed_at < now() - interval '15 s'`,
    [ids],
  );
  return row?.count;
};

describe.each([
  ['id', byId],
  ['name', byName],
])('a heartbeat by %s', (how, path) => {
  it('renews the lease in the database, and makes no revision', async () => {
    const instance = await catalog.api.register({ instanceId: `beating-${how}` });
    await age([instance.id]);
    const before = await headOf(catalog.api);
    const answer = await beat(path(instance));
    expect(answer).toMatchObject({ status: 204, body: undefined, revision: before });
    expect(answer.headers.get('x-catalog-epoch')).toMatch(/^[0-9a-f-]{36}$/);
    await waitFor('the renewal is noted', async () => (await agedOf([instance.id])) === 0);
    expect(await catalog.api.read(instance.id)).toMatchObject({ version: 1 });
    expect(await headOf(catalog.api)).toBe(before);
  });

  it.each(['starting', 'unknown'])('makes %s healthy, once', async status => {
    const instance = await catalog.api.register({ instanceId: `${status}-${how}`, status });
    for (let n = 0; n < 3; n++) expect((await beat(path(instance))).status).toBe(204);
    expect(await catalog.api.read(instance.id)).toMatchObject({
      status: 'healthy',
      health: { decidedBy: 'heartbeat' },
      version: 2,
    });
    const events = await eventsOf(catalog.api, `instance=${instance.id}&afterRevision=${instance.revision}`);
    expect(events.map(event => event.action)).toEqual(['instance.health_changed']);
  });

  it('is only a sign of life where nobody watches', async () => {
    const check = { kind: 'none', ttlSeconds: 60 };
    const instance = await catalog.api.register({ instanceId: `none-${how}`, status: 'starting', check });
    await age([instance.id]);
    expect((await beat(path(instance))).status).toBe(204);
    await waitFor('the renewal is noted', async () => (await agedOf([instance.id])) === 0);
    expect(await catalog.api.read(instance.id)).toMatchObject({ status: 'starting', version: 1 });
  });

  it('is 404 when there is no such instance, so that the caller registers again', async () => {
    const instance = await catalog.api.register({ instanceId: `leaving-${how}` });
    await catalog.api.ok('DELETE', `${INSTANCES}/${instance.id}`);
    expect((await beat(path(instance))).body).toMatchObject({ status: 404, code: 'INSTANCE_NOT_FOUND' });
  });

  it('is taken at once by a node that has not heard of the instance yet', async () => {
    const instance = await catalog.api.register({ instanceId: `elsewhere-${how}` });
    await age([instance.id]);
    expect((await beat(path(instance), DEAF)).status).toBe(204);
    await waitFor('the renewal is noted', async () => (await agedOf([instance.id])) === 0);
  });

  it('is 404 on every node soon after the instance was deregistered through one', async () => {
    const instance = await catalog.api.register({ instanceId: `moved-${how}` });
    expect((await beat(path(instance), 1)).status).toBe(204);
    await catalog.api.ok('DELETE', `${INSTANCES}/${instance.id}`);
    await waitFor('the other node knows', async () => (await beat(path(instance), 1)).status === 404);
  });

  it('heals through the node that has not heard of the instance yet', async () => {
    const instance = await catalog.api.register({ instanceId: `heal-${how}`, status: 'starting' });
    const answer = await beat(path(instance), DEAF);
    expect(answer.status).toBe(204);
    const healed = await catalog.api.read(instance.id);
    expect(healed).toMatchObject({ status: 'healthy', version: 2 });
    expect(answer.revision).toBe(healed.revision);
  });
});

describe('many heartbeats', () => {
  it('renew thousands of leases at once, and say who must register again', async () => {
    const registered = await Promise.all(
      [0, 1, 2, 3].map(part =>
        catalog.api.ok<{ results: { instance: LeasedView }[] }>('POST', `${INSTANCES}/batch`, {
          instances: Array.from({ length: 1_000 }, (_, n) => ({
            service: `bulk-${part}`,
            instanceId: `i-${n}`,
            host: '10.0.0.1',
            port: 80,
            ...(n === 0 && { status: 'starting' }),
          })),
        }),
      ),
    );
    const ids = registered.flatMap(({ results }) => results.map(({ instance }) => instance.id));
    const strangers = Array.from({ length: 1_000 }, () => randomUUID());
    await age(ids);
    const before = await headOf(catalog.api);
    const answer = await send<{ renewed: number; notFound: string[] }>([...ids, ...strangers]);
    expect(answer.status).toBe(200);
    expect(answer.body.renewed).toBe(4_000);
    expect(new Set(answer.body.notFound)).toEqual(new Set(strangers));
    await waitFor('all renewals are noted', async () => (await agedOf(ids)) === 0);
    const healed = await eventsOf(catalog.api, `afterRevision=${before}`);
    expect(healed.map(event => event.action)).toEqual(Array(4).fill('instance.health_changed'));
  });

  it('count an id once that is named twice', async () => {
    const { id } = await catalog.api.register({ instanceId: 'twice' });
    const stranger = randomUUID();
    expect((await send([id, stranger, id, stranger])).body).toEqual({ renewed: 1, notFound: [stranger] });
  });

  it('know and heal instances that this node has not heard of', async () => {
    const healthy = await catalog.api.register({ instanceId: 'bulk-elsewhere' });
    const starting = await catalog.api.register({ instanceId: 'bulk-starting', status: 'starting' });
    await age([healthy.id]);
    expect((await send([healthy.id, starting.id], DEAF)).body).toEqual({ renewed: 2, notFound: [] });
    expect(await catalog.api.read(starting.id)).toMatchObject({ status: 'healthy', version: 2 });
    expect(await catalog.api.read(healthy.id)).toMatchObject({ version: 1 });
    await waitFor('the renewal is noted', async () => (await agedOf([healthy.id])) === 0);
  });

  it.each([
    ['none', [], '/ids'],
    ['more than 5,000', Array.from({ length: 5_001 }, () => randomUUID()), '/ids'],
    ['no ids', ['orders-1'], '/ids/0'],
  ])('are refused for %s', async (_, ids, at) => {
    expect(brief((await send(ids)).body)).toEqual({ status: 400, code: 'VALIDATION_FAILED', at: [at] });
  });
});
