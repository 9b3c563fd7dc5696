import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ProbeOverview } from './probe-overview.js';
import { type LeasedView } from '../../../../test/support/http/api.js';
import {
  type CatalogNode,
  type CatalogService,
  eventsOf,
  startCatalog,
  startNode,
} from '../../../../test/support/catalog/catalog-service.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { freePort, httpTarget, type Target, tcpTarget } from '../../../../test/support/http/targets.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

const node = (name: string) => ({
  PCS_SELF_REGISTRATION: 'on',
  PCS_NODE_TTL_SECONDS: String(unhurried(2)),
  PCS_NODE_ID: name,
});

let catalog: CatalogService;
const targets: Target[] = [];

beforeAll(async () => {
  catalog = await startCatalog({ env: node('node-a') });
});
afterAll(() => catalog.close());
afterEach(async () => {
  await Promise.all(targets.splice(0).map(target => target.close()));
});

async function begin(starting: Promise<Target>): Promise<Target> {
  const target = await starting;
  targets.push(target);
  return target;
}

const overviewOf = ({ app }: CatalogNode) => app.get(ProbeOverview, { strict: false });

const EACH_SECOND = { intervalSeconds: 1, failureThreshold: 2 };
let count = 0;

const registerAt = (port: number, check: object): Promise<LeasedView> =>
  catalog.api.register({
    instanceId: `probed-${count++}`,
    host: '127.0.0.1',
    port,
    check: { ...EACH_SECOND, ...check },
  });

const becomes = async ({ id }: LeasedView, state: string): Promise<LeasedView> => {
  await waitFor(`it is ${state}`, async () => (await catalog.api.read(id)).status === state);
  return await catalog.api.read(id);
};

const statesOf = async ({ id }: LeasedView) =>
  (await eventsOf(catalog.api, `instance=${id}`)).map(({ after }) => (after as LeasedView | null)?.health.state);

describe('An instance that is probed', () => {
  it('is unknown until the first probe, and then has the health that probes find', async () => {
    let status = 200;
    const target = await begin(httpTarget((_, response) => response.writeHead(status).end(`answer ${status}`)));
    const instance = await registerAt(target.port, { kind: 'http' });
    expect(instance).toMatchObject({ status: 'unknown', expiresAt: null, health: { lastCheckedAt: null } });
    const healthy = await becomes(instance, 'healthy');
    expect(healthy.health).toMatchObject({ decidedBy: 'probe', failures: 0, output: 'HTTP 200 OK: answer 200' });
    status = 500;
    expect((await becomes(instance, 'degraded')).health).toMatchObject({ failures: 1 });
    const ill = await becomes(instance, 'unhealthy');
    expect(ill.health).toMatchObject({ failures: 2, output: expect.stringContaining('answer 500') });
    status = 200;
    await becomes(instance, 'healthy');
    expect(await statesOf(instance)).toEqual(['unknown', 'healthy', 'degraded', 'unhealthy', 'healthy']);
    const [, event] = await eventsOf(catalog.api, `instance=${instance.id}`);
    expect(event).toMatchObject({ actor: 'system:liveness', source: 'system', reason: 'probed by node-a' });
  });

  it('makes no revision while nothing changes, though it is probed repeatedly', async () => {
    const target = await begin(tcpTarget(() => undefined));
    const instance = await registerAt(target.port, { kind: 'tcp' });
    await becomes(instance, 'healthy');
    const contacts = target.contacts.total;
    const { lastCheckedAt } = (await catalog.api.read(instance.id)).health;
    await waitFor('three more probes', () => target.contacts.total >= contacts + 3);
    await waitFor(
      'the time of the probe is stored',
      async () => (await catalog.api.read(instance.id)).health.lastCheckedAt! > (lastCheckedAt ?? ''),
    );
    expect(await statesOf(instance), 'a probe without a change made an event').toEqual(['unknown', 'healthy']);
    expect((await catalog.api.read(instance.id)).lastSeenAt, 'a probe renewed the lease').toBe(instance.lastSeenAt);
  });

  it('that never responds is never healthy', async () => {
    const instance = await registerAt(await freePort(), { kind: 'tcp' });
    const ill = await becomes(instance, 'unhealthy');
    expect(ill.health.output).toMatch(/ECONNREFUSED/);
    expect(await statesOf(instance)).toEqual(['unknown', 'unhealthy']);
  });

  it('gets its health only from its new endpoint, when that changes during a probe of the old one', async () => {
    const [hanging, fine] = [await begin(tcpTarget(() => undefined)), await begin(httpTarget((_, r) => r.end()))];
    const instance = await registerAt(hanging.port, { kind: 'http', failureThreshold: 1 });
    await waitFor('the old endpoint is being probed', () => hanging.contacts.open > 0);
    await catalog.api.ok('PATCH', `/api/v1/registry/instances/${instance.id}`, { port: fine.port });
    await becomes(instance, 'healthy');
    await waitFor('the old probe is called off', () => hanging.contacts.open === 0);
    expect(await statesOf(instance)).toEqual(['unknown', 'unknown', 'healthy']);
  });

  it('gets its health only from its present process, when a probe of the process before is under way', async () => {
    let asked = 0;
    const target = await begin(httpTarget((_, response) => (++asked === 1 ? undefined : response.end())));
    const check = { ...EACH_SECOND, kind: 'http', failureThreshold: 1, timeoutSeconds: 60, intervalSeconds: 60 };
    const body = { instanceId: `probed-${count++}`, host: '127.0.0.1', port: target.port, check };
    const instance = await catalog.api.register({ ...body, incarnation: 'boot-1' });
    await waitFor('the old process is being probed', () => asked === 1);
    const next = await catalog.api.register({ ...body, incarnation: 'boot-2' });
    expect(next).toMatchObject({ status: 'unknown', incarnationNumber: 2, health: { failures: 0 } });
    await becomes(instance, 'healthy');
    await waitFor('the old probe is called off', () => target.contacts.open === 0);
    expect(await statesOf(instance)).toEqual(['unknown', 'unknown', 'healthy']);
  });

  it('is not probed any more after its check has changed, or it was deregistered', async () => {
    const target = await begin(tcpTarget(() => undefined));
    const instance = await registerAt(target.port, { kind: 'tcp' });
    await becomes(instance, 'healthy');
    const overview = catalog.nodes[0]!.app.get(ProbeOverview, { strict: false });
    expect(overview.nodeOf(instance.id)).toBe('node-a');
    await catalog.api.ok('DELETE', `/api/v1/registry/instances/${instance.id}`);
    await waitFor('no node probes it', () => overview.nodeOf(instance.id) === undefined);
  });
});

describe('Nodes', () => {
  it('distribute the instances, agree on the node of each, and take over from a node that leaves', async () => {
    const target = await begin(tcpTarget(() => undefined));
    const instances = await Promise.all(Array.from({ length: 60 }, () => registerAt(target.port, { kind: 'tcp' })));
    const others = [
      await startNode(catalog.database.url, node('node-b')),
      await startNode(catalog.database.url, node('node-c')),
    ];
    const all = [catalog.nodes[0]!, ...others];
    try {
      await waitFor('all know all', () => all.every(each => overviewOf(each).nodes().length === 3));
      const total = overviewOf(all[0]!)
        .nodes()
        .reduce((sum, { owned }) => sum + owned, 0);
      await waitFor('each probes its own', () => {
        const queues = all.map(each => overviewOf(each).queue().owned);
        return queues.every(owned => owned > 0) && queues.reduce((a, b) => a + b) === total;
      });
      for (const { id } of instances) {
        const owners = new Set(all.map(each => overviewOf(each).nodeOf(id)));
        expect(owners.size, 'nodes do not agree on who probes it').toBe(1);
      }
      for (const each of all) expect(overviewOf(each).nodes()).toEqual(overviewOf(all[0]!).nodes());
    } finally {
      await Promise.all(others.map(other => other.close()));
    }
    await waitFor('the first one probes everything again', () => {
      const overview = overviewOf(all[0]!);
      return overview.nodes().length === 1 && instances.every(({ id }) => overview.nodeOf(id) === 'node-a');
    });
  });

  it('do not probe while they have an override', async () => {
    const overview = overviewOf(catalog.nodes[0]!);
    const path = '/api/v1/registry/services/platform-coordination/instances/node-a/override?namespace=system';
    await catalog.api.ok('PUT', path, { status: 'maintenance' });
    await waitFor('it probes nothing', () => overview.queue().owned === 0 && overview.nodes().length === 0);
    await catalog.api.ok('DELETE', path);
    await waitFor('it probes again', () => overview.nodes().length === 1);
  });
});
