import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type LogEvent } from '@coordination/log';
import { INSTANCES, type LeasedView } from '../../../../../test/support/http/api.js';
import {
  type CatalogNode,
  type CatalogService,
  eventsOf,
  startCatalog,
  startNode,
} from '../../../../../test/support/catalog/catalog-service.js';
import { type Target, tcpTarget } from '../../../../../test/support/http/targets.js';
import { unhurried } from '../../../../../test/support/time/slowness.js';
import { waitFor } from '../../../../../test/support/time/wait-for.js';
import { type LivenessReported } from '../../api/liveness-report.service.js';
import { type GuardState, isReport } from '../../guard/guard-state.js';
import { type Explanation } from '../../explain/explanation.js';
import { ProbeOverview } from '../probe-overview.js';

const COUNT = 24;
const CHECK = { kind: 'tcp', intervalSeconds: 1, timeoutSeconds: 1, failureThreshold: 2 };

/** Windows are so short that a guard is at its end soon; a slow machine has more time. */
const env = (name: string, differing: Readonly<Record<string, string>> = {}) => ({
  PCS_SELF_REGISTRATION: 'on',
  PCS_NODE_ID: name,
  PCS_NODE_TTL_SECONDS: String(unhurried(5)),
  PCS_GUARD_WINDOW_SECONDS: String(unhurried(10)),
  PCS_GUARD_MAX_SECONDS: String(unhurried(10)),
  PCS_GUARD_RELEASE_PER_SECOND: '5',
  ...differing,
});

/** The nodes of one test, and the instances that they probe. */
class Probed {
  private readonly others: CatalogNode[] = [];
  readonly targets: Target[] = [];

  private constructor(readonly catalog: CatalogService) {}

  /** Starts the node `node-a`. */
  static async begin(differing: Readonly<Record<string, string>> = {}): Promise<Probed> {
    return new Probed(await startCatalog({ env: env('node-a', differing) }));
  }

  async end(): Promise<void> {
    for (const node of this.others) await node.close();
    await this.catalog.close();
    for (const target of this.targets) await target.close();
  }

  async registerMany(service = 'orders'): Promise<LeasedView[]> {
    const target = await tcpTarget(() => undefined);
    this.targets.push(target);
    const instances: LeasedView[] = [];
    for (let n = 0; n < COUNT; n++) {
      const body = { service, instanceId: `i-${n}`, host: '127.0.0.1', port: target.port, check: CHECK };
      instances.push(await this.catalog.api.register(body));
    }
    await waitFor('all are healthy', async () => (await this.statuses(service)).every(status => status === 'healthy'));
    return instances;
  }

  async statuses(service = 'orders'): Promise<string[]> {
    const path = `/api/v1/discovery/services/${service}/instances?status=any`;
    const { instances } = await this.catalog.api.ok<{ instances: LeasedView[] }>('GET', path);
    return instances.map(({ status }) => status);
  }

  /** Without reports: a machine that pauses for seconds causes one by itself. */
  async guards() {
    const { guards } = await this.catalog.api.ok<LivenessReported>('GET', '/api/v1/liveness');
    return guards.filter(guard => !isReport(guard));
  }

  /** What the log has of guards, without reports. */
  async guardEvents(): Promise<LogEvent[]> {
    const events = await eventsOf(this.catalog.api, 'actor=system:liveness');
    return events.filter(
      ({ action, before, after }) => action.startsWith('liveness.') && !isReport((after ?? before) as GuardState),
    );
  }

  async healthChanges(): Promise<LogEvent[]> {
    return (await eventsOf(this.catalog.api, 'action=instance.health_changed')).filter(
      ({ after }) => (after as LeasedView).health.state !== 'healthy',
    );
  }

  /** A node to which the probed addresses are forbidden: for it alone, all of its probes fail. */
  async startCutOffNode(): Promise<CatalogNode> {
    const node = await startNode(this.catalog.database.url, env('node-b', { PCS_PROBE_ALLOW: '127.0.0.9/32' }));
    this.others.push(node);
    return node;
  }
}

type Begin = (differing?: Readonly<Record<string, string>>) => Promise<Probed>;

/** Each test begins nodes and a catalog of its own. The tests run at the same time, since they wait for guards. */
const it = test.extend('begin', ({ task: _task }, { onCleanup }): Begin => {
  return async differing => {
    const probed = await Probed.begin(differing);
    onCleanup(() => probed.end());
    return probed;
  };
});

describe.concurrent('Probes that fail together', () => {
  it('on one node of two change nothing, as long as the other one sees the instances succeed', async ({ begin }) => {
    const probed = await begin();
    const instances = await probed.registerMany();
    const cutOff = await probed.startCutOffNode();
    const overview = cutOff.app.get(ProbeOverview, { strict: false });
    await waitFor('the node without a network holds', async () => {
      return (await probed.guards()).some(({ reason, node }) => reason === 'probe-failures' && node === 'node-b');
    });
    const share = instances.filter(({ id }) => overview.nodeOf(id) === 'node-b');
    expect(share.length, 'it probes nothing: nothing was shown').toBeGreaterThan(4);
    const { since } = (await probed.guards())[0]!;
    await waitFor('the other node has seen them, and the guard lasts beyond its own time', async () => {
      const [guard] = await probed.guards();
      return guard?.since === since && Date.parse(guard.until) > Date.parse(since) + unhurried(25) * 1_000;
    });
    expect(await probed.healthChanges(), 'a failure counted that one node alone sees').toEqual([]);
    expect((await probed.guards())[0]).toMatchObject({ phase: 'holding', reason: 'probe-failures', node: 'node-b' });

    const held = share[0]!;
    const explained = await probed.catalog.api.ok<Explanation>('GET', `${INSTANCES}/${held.id}/explain`);
    expect(explained).toMatchObject({ status: 'healthy', probedBy: 'node-b', guard: { reason: 'probe-failures' } });
    expect(explained.notes.join()).toMatch(/A guard keeps failures of its probes from counting/);
    const { health } = await probed.catalog.api.read(held.id);
    expect(health).toMatchObject({
      state: 'healthy',
      lastError: { kind: 'instance', reason: 'forbidden', node: 'node-b' },
    });
    const { headers } = await probed.catalog.api.get('/api/v1/discovery/services/orders/instances');
    expect(headers.get('x-liveness-guard')).toMatch(/^probe-failures;scope="default\/orders";.*;node="node-b"$/);

    await probed.targets[0]!.close();
    probed.targets.length = 0;
    await waitFor('both nodes see them fail', async () =>
      (await probed.statuses()).every(status => status === 'unhealthy'),
    );
    const byBoth = (await probed.healthChanges()).filter(({ reason }) => reason === 'probed by node-b and node-a');
    expect(byBoth.length, 'no failure was confirmed by the other node').toBeGreaterThan(0);
  });

  it('on the only node are held for a time, and then count one after the other', async ({ begin }) => {
    const probed = await begin({ PCS_GUARD_RELEASE_PER_SECOND: '1' });
    await probed.registerMany();
    await probed.targets.splice(0)[0]!.close();
    await waitFor('the guard holds', async () => (await probed.guards()).some(({ phase }) => phase === 'holding'));
    expect(await probed.healthChanges()).toEqual([]);
    await waitFor('the guard releases', async () => (await probed.guards()).some(({ phase }) => phase === 'releasing'));
    await waitFor('all are unhealthy', async () => (await probed.statuses()).every(status => status === 'unhealthy'));
    await waitFor('the guard is over', async () => (await probed.guards()).length === 0);
    const events = await probed.guardEvents();
    expect(events.map(({ action }) => action)).toEqual(['liveness.guard_began', 'liveness.guard_ended']);
    const began = events.find(({ action }) => action === 'liveness.guard_began')!;
    expect(began.after).toMatchObject({ reason: 'probe-failures', node: 'node-a', of: COUNT });
    const released = await probed.healthChanges();
    const batches = new Set(released.map(({ batchId }) => batchId));
    expect(batches.size, 'they counted at once').toBeGreaterThanOrEqual(COUNT / 4);
  });

  it('are released at once where probes succeed again', async ({ begin }) => {
    const probed = await begin();
    await probed.registerMany();
    const { port } = probed.targets[0]!;
    await probed.targets.splice(0)[0]!.close();
    await waitFor('the guard holds', async () => (await probed.guards()).some(({ phase }) => phase === 'holding'));
    const server = createServer(socket => socket.destroy()).listen(port, '127.0.0.1');
    await waitFor('the guard is over', async () => (await probed.guards()).length === 0);
    server.close();
    expect(await probed.healthChanges()).toEqual([]);
  });

  it('count when an operator ends the guard', async ({ begin }) => {
    const probed = await begin({ PCS_GUARD_MAX_SECONDS: '3600' });
    await probed.registerMany();
    await probed.targets.splice(0)[0]!.close();
    await waitFor('the guard holds', async () => (await probed.guards()).some(({ phase }) => phase === 'holding'));
    const order = { action: 'end', scope: { service: 'orders' }, reason: 'scaled down' };
    await probed.catalog.api.ok('POST', '/api/v1/liveness/guard', order);
    await waitFor('all are unhealthy', async () => (await probed.statuses()).every(status => status === 'unhealthy'));
  });
});

describe.concurrent('Few instances', () => {
  it('become unhealthy without delay, whatever share of them fails', async ({ begin }) => {
    const probed = await begin();
    const target = await tcpTarget(() => undefined);
    const body = { service: 'small', host: '127.0.0.1', port: target.port, check: CHECK };
    for (let n = 0; n < 3; n++) await probed.catalog.api.register({ ...body, instanceId: `i-${n}` });
    await waitFor('all are healthy', async () =>
      (await probed.statuses('small')).every(status => status === 'healthy'),
    );
    await target.close();
    await waitFor('all fail', async () => (await probed.statuses('small')).every(status => status === 'unhealthy'));
    expect(await probed.guardEvents()).toEqual([]);
  });
});
