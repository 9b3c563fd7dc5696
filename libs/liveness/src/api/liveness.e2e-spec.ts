import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, INSTANCES, LONG_LEASE } from '../../../../test/support/http/api.js';
import {
  brief,
  type CatalogService,
  eventsOf,
  headOf,
  startCatalog,
} from '../../../../test/support/catalog/catalog-service.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { type Explanation } from '../explain/explanation.js';
import { isReport } from '../guard/guard-state.js';
import { type LivenessReported } from './liveness-report.service.js';

const LIVENESS = '/api/v1/liveness';
const GUARD = `${LIVENESS}/guard`;

interface GuardOrdered {
  readonly revision: number;
  readonly until: string | null;
}

interface Health {
  readonly status: string;
  readonly details: { readonly liveness: { readonly state: string; readonly guards: readonly object[] } };
}

let catalog: CatalogService;
let api: Api;
let other: Api;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2, env: { PCS_LEASE_FLUSH_BOUND_MS: String(unhurried(1_000)) } });
  api = catalog.api;
  other = catalog.nodes[1]!.api;
});
afterAll(() => catalog.close());

const overview = (of: Api = api) => of.ok<LivenessReported>('GET', LIVENESS);
/** A machine that pauses for seconds causes a report by itself. */
const ordered = ({ guards }: LivenessReported) => guards.filter(guard => !isReport(guard));
const register = (service: string, instanceId: string, fields: object = {}) =>
  api.register({ service, instanceId, ...fields });
const headerOf = async (of: Api, path: string) =>
  (await of.get(`/api/v1/discovery/services/${path}`)).headers.get('x-liveness-guard');

const isOrdered = (header: string | null): boolean => header?.startsWith('operator;') ?? false;

const MORTAL = { check: { ttlSeconds: unhurried(1), deregisterAfterSeconds: 0 } };

describe('GET of liveness', () => {
  it('has the leases by state, and the node that ends them, the same on every node', async () => {
    await register('counted', 'lasting', { check: { ttlSeconds: 600 } });
    await register('counted', 'soon', { check: { ttlSeconds: unhurried(5), deregisterAfterSeconds: 0 } });
    await register('counted', 'endless', { check: { kind: 'none' } });
    await register('counted', 'dead', MORTAL);
    await waitFor('the dead instance has lapsed', async () => (await overview()).leases.lapsed >= 1);
    // The nodes are asked one after the other, and the role may move meanwhile on a machine that pauses for seconds.
    let told!: LivenessReported;
    let sweeper: LivenessReported['sweeper'] = null;
    await waitFor('both say the same, and one of them ends leases', async () => {
      told = await overview();
      ({ sweeper } = await overview(other));
      return told.sweeper!.term === sweeper?.term && told.sweeper!.isThisNode !== sweeper.isThisNode;
    });
    const { lasting, endless, soonSeconds } = told.leases;
    expect(lasting).toBeGreaterThanOrEqual(1);
    expect(endless).toBeGreaterThanOrEqual(1);
    expect(soonSeconds).toBe(10);
    expect(ordered(told)).toEqual([]);
    expect(sweeper).toMatchObject({ node: told.sweeper!.node, term: told.sweeper!.term });
    expect(told.sweeper!.lastSweepAt! <= told.at).toBe(true);
  });

  it('has the nodes in the catalog', async () => {
    const { id } = await api.register({
      namespace: 'system',
      service: 'platform-coordination',
      instanceId: 'node-x',
      check: { kind: 'none' },
    });
    expect((await overview()).nodes).toEqual([
      { id, instanceId: 'node-x', host: '10.0.0.1', port: 8080, status: 'healthy' },
    ]);
  });

  it('responds correctly to concurrent requests', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => overview()));
    for (const { leases, sweeper } of answers) {
      expect(leases.lapsed).toBeGreaterThanOrEqual(1);
      expect(sweeper).not.toBeNull();
    }
  });
});

describe('A guard that an operator forces', () => {
  it('prevents the end of leases of its scope, is visible everywhere, and ends by another override; the log has all of it', async () => {
    const { id } = await register('held', 'held-1', MORTAL);
    const before = await headOf(api);
    const scope = { service: 'Held' };
    const reason = 'switch upgrade, “rack 7”';
    const forced = await api.ok<GuardOrdered>('POST', GUARD, { action: 'force', scope, reason });
    expect(forced).toMatchObject({ action: 'force', reason });

    // Instances outside of the scope die meanwhile, so leases are ended.
    await register('free', 'free-1', MORTAL);
    await waitFor('the instance outside of the scope is unhealthy', async () => {
      const { counts } = await api.ok<{ counts: Record<string, number> }>(
        'GET',
        '/api/v1/discovery/services/free/instances',
      );
      return counts['unhealthy'] === 1;
    });
    await waitFor('its lease has expired', async () => (await overview()).leases.over >= 1);
    expect(await api.read(id)).toMatchObject({ status: 'healthy' });

    const [guard] = ordered(await overview());
    expect(guard).toMatchObject({
      active: true,
      scope: { kind: 'service', namespace: 'default', service: 'held' },
      phase: 'holding',
      reason: 'operator',
      detail: reason,
      until: forced.until,
    });
    const explained = await other.ok<Explanation>('GET', `${INSTANCES}/${id}/explain`);
    expect(explained.next[0]).toMatchObject({ event: 'lease-ends', heldUntil: forced.until });
    expect(explained.guard).toMatchObject({ reason: 'operator' });
    for (const node of [api, other]) {
      await waitFor('the node has the guard', async () => isOrdered(await headerOf(node, 'held/instances')));
      expect(await headerOf(node, 'held/instances')).toMatch(/^operator;scope="default\/held";phase=holding;/);
      expect(await headerOf(node, 'held/resolve')).toMatch(/^operator;/);
      expect(isOrdered(await headerOf(node, 'free/instances'))).toBe(false);
      const health = await node.get<Health>('/health');
      expect(health.status).toBe(200);
      expect(health.body.details.liveness).toMatchObject({ state: 'degraded' });
      expect(health.body.details.liveness.guards).toContainEqual(expect.objectContaining({ detail: reason }));
      expect((await node.get<string>('/metrics')).body).toContain(
        'pcs_liveness_guards{scope="service",reason="operator"} 1',
      );
    }

    const end = { action: 'end', scope, reason: 'done' };
    const ended = await other.ok<GuardOrdered>('POST', GUARD, end, { 'x-request-id': 'end-it' });
    await waitFor('its lease ends', async () => (await api.read(id)).status === 'unhealthy');
    await waitFor('the guard has ended', async () => !isOrdered(await headerOf(api, 'held/instances')));
    expect(ordered(await overview())).toEqual([]);
    const events = await eventsOf(api, `afterRevision=${before}&namespace=*`);
    const orders = events.filter(({ action, source }) => action.startsWith('liveness.') && source === 'api');
    expect(orders.map(({ action, reason: why, actor, source }) => [action, why, actor, source])).toEqual([
      ['liveness.guard_forced', reason, 'anonymous', 'api'],
      ['liveness.guard_ended', 'done', 'anonymous', 'api'],
    ]);
    expect(orders[0]).toMatchObject({ revision: forced.revision });
    expect(orders[1]).toMatchObject({ revision: ended.revision, requestId: 'end-it' });
  });

  it.each([
    ['force', undefined, 'of the order', undefined],
    ['force', 'of the request', 'of the request', 'of the order'],
    ['end', undefined, 'of the order', undefined],
    ['end', 'of the request', 'of the request', 'of the order'],
  ])('%s with the header %j has the reason %j, and keeps both', async (action, header, reason, own) => {
    await register('reasoned', 'reasoned-1', { check: LONG_LEASE });
    const requestId = `reasoned-${action}-${header === undefined ? 'plain' : 'both'}`;
    const headers = { 'x-request-id': requestId, ...(header !== undefined && { 'x-change-reason': header }) };
    const keyed = { ...headers, 'idempotency-key': requestId };
    const order = { action, scope: { service: 'reasoned' }, reason: 'of the order' };
    const first = await api.send('POST', GUARD, order, keyed);
    expect(first.status).toBe(200);
    const again = await api.send('POST', GUARD, order, keyed);
    expect(again.body).toEqual(first.body);
    const events = await eventsOf(api, `requestId=${requestId}`);
    expect(events.map(event => [event.reason, (event.after as { reason?: string }).reason])).toEqual([[reason, own]]);
  });

  it('ends at the requested time', async () => {
    const { id } = await register('short', 'short-1', MORTAL);
    const until = new Date(Date.now() + unhurried(2_500)).toISOString();
    await api.ok('POST', GUARD, { action: 'force', scope: { service: 'short' }, reason: 'a moment', until });
    await waitFor('its lease ends', async () => (await api.read(id)).status === 'unhealthy');
    const [ended] = await eventsOf(api, `instance=${id}&action=instance.health_changed`);
    expect(ended!.at >= until, `${ended!.at} is not before ${until}`).toBe(true);
  });
});

const invalid = (...at: string[]) => ({ status: 400, code: 'VALIDATION_FAILED', at });

describe('An invalid command', () => {
  const good = { action: 'end', scope: 'all', reason: 'why not' };

  it.each<[string, unknown, ReturnType<typeof invalid>]>([
    ['without anything', {}, invalid('/action')],
    ['without a reason', { action: 'end', scope: 'all' }, invalid('/reason')],
    ['with an empty reason', { ...good, reason: '' }, invalid('/reason')],
    ['with a reason that cannot be stored', JSON.stringify({ ...good, reason: 'a\u0000' }), invalid('/reason')],
    ['of another kind', { ...good, action: 'pause' }, invalid('/action')],
    ['for a scope that is none', { ...good, scope: 'everything' }, invalid('/scope')],
    ['for a service with a bad name', { ...good, scope: { service: 'a b' } }, invalid('/scope/service')],
    ['to end until a time', { ...good, until: '2199-01-01T00:00:00Z' }, invalid('/until')],
    ['for a service that never was', { ...good, scope: { service: 'nobody' } }, invalid('/scope/service')],
    ['that is over', { ...good, action: 'force', until: '2001-01-01T00:00:00Z' }, invalid('/until')],
    ['that outlasts everybody', { ...good, action: 'force', until: '2199-01-01T00:00:00Z' }, invalid('/until')],
    ['with a time that is none', { ...good, action: 'force', until: 'later' }, invalid('/until')],
    ['with more than is known', { ...good, colour: 'red' }, invalid('/colour')],
  ])('%s is rejected, and makes no event', async (_, body, problem) => {
    const head = await headOf(api);
    const answer = await api.send('POST', GUARD, body);
    expect(brief(answer.body)).toEqual(problem);
    const events = await eventsOf(api, `afterRevision=${head}&source=api`);
    expect(events.map(({ action }) => action)).toEqual([]);
  });

  it('in the query is rejected, too', async () => {
    expect((await api.get(`${LIVENESS}?scope=all`)).status).toBe(400);
  });
});
