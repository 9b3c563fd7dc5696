import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import {
  brief,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
} from '../../support/catalog/catalog-service.js';
import { unhurried } from '../../support/time/slowness.js';
import { waitFor } from '../../support/time/wait-for.js';

let catalog: CatalogService;
let instance: LeasedView;
let count = 0;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());
beforeEach(async () => {
  instance = await catalog.api.register({ instanceId: `i-${++count}` });
});

const byId = () => `${INSTANCES}/${instance.id}`;
const byName = () => named(instance.instanceId);
const invalid = (...at: string[]) => ({ status: 400, code: 'VALIDATION_FAILED', at });

describe.each([
  ['id', byId],
  ['name', byName],
])('reports of health by %s', (_, where) => {
  const report = (healthy: boolean, output?: string) =>
    catalog.api.ok('POST', `${where()}/health-reports`, { healthy, ...(output !== undefined && { output }) });

  it('degrade at the first failure, are ill at the third, and heal at one success', async () => {
    const first = await report(false, 'disk at 91 %');
    expect(first).toMatchObject({
      status: 'degraded',
      health: { state: 'degraded', failures: 1, output: 'disk at 91 %', decidedBy: 'report' },
      version: 2,
    });
    expect(first.health.lastCheckedAt).toBe(first.updatedAt);
    const second = await report(false);
    expect(second).toMatchObject({
      status: 'degraded',
      health: { failures: 2, output: '', since: first.health.since },
    });
    expect(await report(false)).toMatchObject({ status: 'unhealthy', health: { failures: 3 } });
    expect(await report(false)).toMatchObject({ status: 'unhealthy', health: { failures: 4 }, version: 5 });
    expect(await report(true, 'fine')).toMatchObject({
      status: 'healthy',
      health: { state: 'healthy', failures: 0, output: 'fine', decidedBy: 'report' },
      version: 6,
    });
    const events = await eventsOf(catalog.api, `instance=${instance.id}&action=instance.health_changed`);
    expect(events).toHaveLength(5);
  });

  it('of success cost nothing while all is well, but are signs of life', async () => {
    const before = await headOf(catalog.api);
    await report(true);
    expect(await headOf(catalog.api)).toBe(before);
    await waitFor('the report is noted', async () => {
      const { health } = await catalog.api.read(instance.id);
      return health.lastCheckedAt !== null;
    });
  });

  it('are not undone by heartbeats', async () => {
    await report(false);
    await catalog.api.ok('PUT', `${where()}/heartbeat`);
    expect(await catalog.api.read(instance.id)).toMatchObject({ status: 'degraded', version: 2 });
  });

  it('are refused when they are none', async () => {
    for (const [body, at] of [
      [{}, '/healthy'],
      [{ healthy: 'yes' }, '/healthy'],
      [{ healthy: true, output: 7 }, '/output'],
      [{ healthy: true, output: 'x'.repeat(4_097) }, '/output'],
      [{ healthy: true, state: 'healthy' }, '/state'],
    ] as const) {
      const answer = await catalog.api.send('POST', `${where()}/health-reports`, body);
      expect(brief(answer.body)).toEqual(invalid(at));
    }
  });
});

describe.each([
  ['id', byId],
  ['name', byName],
])('an override by %s', (_, where) => {
  const path = () => `${where()}/override`;
  const set = (body: object) => catalog.api.ok('PUT', path(), body);

  it('counts over health until it is taken back', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const instanceSet = await set({ status: 'maintenance', reason: 'new disk', until });
    expect(instanceSet).toMatchObject({
      status: 'maintenance',
      health: { state: 'healthy' },
      override: { status: 'maintenance', reason: 'new disk', until, setBy: 'anonymous', setAt: instanceSet.updatedAt },
      version: 2,
    });
    await catalog.api.ok('POST', `${where()}/health-reports`, { healthy: false });
    expect((await discover(catalog.api)).instances.find(({ id }) => id === instance.id)?.status).toBe('maintenance');
    const cleared = await catalog.api.ok('DELETE', path());
    expect(cleared).toMatchObject({ status: 'degraded', override: null, version: 4 });
  });

  it('that is set or taken back once more costs nothing', async () => {
    const until = new Date(Date.now() + 3_600_000);
    await set({ status: 'stopping', until: until.toISOString() });
    const before = await headOf(catalog.api);
    const sameTime = until.toISOString().replace('Z', '+00:00');
    expect(await set({ status: 'stopping', until: sameTime })).toMatchObject({ version: 2 });
    expect(await headOf(catalog.api)).toBe(before);
    expect(await set({ status: 'stopped' })).toMatchObject({ version: 3, override: { until: null, reason: null } });
    await catalog.api.ok('DELETE', path());
    expect(await catalog.api.ok('DELETE', path())).toMatchObject({ version: 4, override: null });
  });

  it('is refused when it is none', async () => {
    for (const [body, at] of [
      [{}, '/status'],
      [{ status: 'healthy' }, '/status'],
      [{ status: 'stopped', until: 'tomorrow' }, '/until'],
      [{ status: 'stopped', until: '2020-01-01T00:00:00Z' }, '/until'],
      [{ status: 'stopped', until: 7 }, '/until'],
      [{ status: 'stopped', reason: 'x'.repeat(501) }, '/reason'],
      [{ status: 'stopped', setBy: 'me' }, '/setBy'],
    ] as const) {
      const answer = await catalog.api.send('PUT', path(), body);
      expect(brief(answer.body), JSON.stringify(body).slice(0, 80)).toEqual(invalid(at));
    }
  });

  it('ends by itself when its time has come, and the log says who ended it', async () => {
    await set({ status: 'maintenance', until: new Date(Date.now() + unhurried(1_500)).toISOString() });
    await waitFor('the override is over', async () => (await catalog.api.read(instance.id)).override === null);
    const events = await eventsOf(catalog.api, `instance=${instance.id}&action=instance.override_cleared`);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      actor: 'system:liveness',
      source: 'system',
      clientAddress: null,
      requestId: null,
      version: 3,
      after: { status: 'healthy', override: null },
    });
    const { until } = (events[0]!.before as LeasedView).override!;
    expect(Date.parse(events[0]!.at)).toBeGreaterThanOrEqual(Date.parse(until!));
  });
});
