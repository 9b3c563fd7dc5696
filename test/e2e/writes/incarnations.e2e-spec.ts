import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogFollower } from '@coordination/catalog/testing';
import {
  type Answer,
  type Api,
  INSTANCES,
  type LeasedView,
  LONG_LEASE,
  named,
  type Problem,
} from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import {
  brief as briefly,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
} from '../../support/catalog/catalog-service.js';
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

/** An instance, or what is wrong. */
type Told = Omit<LeasedView, 'status'> & Omit<Problem, 'status'> & { readonly status: string | number };

const brief = (body: unknown) => briefly(body as Problem);

const HEARTBEATS = '/api/v1/registry/heartbeats';
const DEREGISTRATIONS = '/api/v1/registry/deregistrations';

let count = 0;

/** A name that no other test has. */
const aName = (): string => `process-${count++}`;

const spec = (instanceId: string, differing: object = {}) => ({
  service: 'orders',
  instanceId,
  host: '10.0.0.1',
  port: 8080,
  check: LONG_LEASE,
  ...differing,
});

const send = <T = Told>(method: string, path: string, body?: unknown, node = 0): Promise<Answer<T>> =>
  catalog.nodes[node]!.api.send<T>(method, path, body);

const register = (instanceId: string, differing: object = {}, node = 0) =>
  send('POST', INSTANCES, spec(instanceId, differing), node);

const actionsOf = async ({ id }: { readonly id: string }) =>
  (await eventsOf(catalog.api, `instance=${id}`)).map(({ action }) => action);

/** Whether discovery and resolve give the instance out when nobody asks for a status. */
async function isGivenOut(instanceId: string, service: string): Promise<boolean> {
  const path = `/api/v1/discovery/services/${service}`;
  const { instances } = await catalog.api.ok<{ instances: LeasedView[] }>('GET', `${path}/instances`);
  const resolved = await catalog.api.get<{ instance: LeasedView }>(`${path}/resolve`);
  const found = instances.some(instance => instance.instanceId === instanceId);
  expect(resolved.status).toBe(found ? 200 : 404);
  return found;
}

describe('A process that ends and starts again under its name', () => {
  it.each<[string, object, object]>([
    ['names nothing', {}, {}],
    ['names its incarnation', { incarnation: 'boot-1' }, { incarnation: 'boot-2' }],
    ['begins to name its incarnation', {}, { incarnation: 'boot-1' }],
    ['names its incarnation no longer', { incarnation: 'boot-1' }, {}],
  ])('and %s is given out again, though it had set the override stopping', async (_, first, second) => {
    const instanceId = aName();
    const own = { service: instanceId };
    const { body: before } = await register(instanceId, { ...own, ...first });
    await catalog.api.ok('PUT', `${named(instanceId, instanceId)}/override`, { status: 'stopping' });
    expect(await isGivenOut(instanceId, instanceId)).toBe(false);

    const { status, body } = await register(instanceId, { ...own, ...second });
    expect([status, body.id, body.version]).toEqual([200, before.id, 3]);
    expect(body).toMatchObject({
      status: 'healthy',
      override: null,
      incarnationNumber: 2,
      incarnation: null,
      ...second,
    });
    expect(await isGivenOut(instanceId, instanceId)).toBe(true);
    expect(await actionsOf(before)).toEqual([
      'instance.registered',
      'instance.override_set',
      'instance.incarnation_started',
    ]);
  });

  it('stays in maintenance, which is of its name', async () => {
    const instanceId = aName();
    for (const incarnation of [undefined, 'boot-1', 'boot-2']) {
      await register(instanceId, { service: instanceId, incarnation });
      await catalog.api.ok('PUT', `${named(instanceId, instanceId)}/override`, { status: 'maintenance' });
      const { body } = await register(instanceId, {
        service: instanceId,
        incarnation: `${incarnation ?? 'boot-0'}-next`,
      });
      expect(body).toMatchObject({ status: 'maintenance', override: { status: 'maintenance', scope: 'instance' } });
      expect(await isGivenOut(instanceId, instanceId)).toBe(false);
      await register(instanceId, { service: instanceId });
      expect(await isGivenOut(instanceId, instanceId)).toBe(false);
    }
  });

  it.each([
    ['stopping', 'instance', 'stopping'],
    ['stopped', 'instance', 'stopped'],
    ['maintenance', 'incarnation', 'healthy'],
    ['stopped', 'incarnation', 'healthy'],
  ])('under an override %s of the scope %s is %s', async (status, scope, afterwards) => {
    const instanceId = aName();
    await register(instanceId, { incarnation: 'boot-1' });
    const set = await catalog.api.ok('PUT', `${named(instanceId)}/override`, { status, scope });
    expect(set.override).toMatchObject({ status, scope });
    expect((await register(instanceId, { incarnation: 'boot-2' })).body.status).toBe(afterwards);
  });

  it('begins with nothing that was known of the one before', async () => {
    const instanceId = aName();
    const { body } = await register(instanceId, { incarnation: 'boot-1' });
    for (let n = 0; n < 3; n++) {
      await catalog.api.ok('POST', `${named(instanceId)}/health-reports`, { healthy: false, output: 'out of memory' });
    }
    expect((await catalog.api.read(body.id)).status).toBe('unhealthy');
    await register(instanceId, { incarnation: 'boot-2', metadata: { version: '2.0.0' }, status: 'starting' });
    expect(await catalog.api.read(body.id)).toMatchObject({
      status: 'starting',
      health: { state: 'starting', failures: 0, output: '', decidedBy: 'registration', lastCheckedAt: null },
      metadata: { version: '2.0.0' },
      incarnation: 'boot-2',
      incarnationNumber: 2,
      version: 5,
    });
  });

  it('is told apart from a repetition, which costs nothing', async () => {
    const instanceId = aName();
    const { body } = await register(instanceId, { incarnation: 'boot-1' });
    await catalog.api.ok('PUT', `${named(instanceId)}/override`, { status: 'stopping' });
    const head = await headOf(catalog.api);
    for (const node of [0, 1]) {
      const again = await register(instanceId, { incarnation: 'boot-1' }, node);
      expect([again.status, again.body.version, again.body.status]).toEqual([200, 2, 'stopping']);
    }
    expect(await headOf(catalog.api)).toBe(head);
    expect((await register(instanceId, { incarnation: 'boot-1', zone: 'b' })).body).toMatchObject({
      status: 'stopping',
      incarnationNumber: 1,
      version: 3,
    });
    expect(await actionsOf(body)).toEqual(['instance.registered', 'instance.override_set', 'instance.updated']);
  });

  it.each<[string, (name: string, id: string, incarnation: string) => [string, string, object]]>([
    ['POST', (name, _, incarnation) => ['POST', INSTANCES, spec(name, { incarnation })]],
    ['a batch', (name, _, incarnation) => ['POST', `${INSTANCES}/batch`, { instances: [spec(name, { incarnation })] }]],
    ['PUT by name', (name, _, incarnation) => ['PUT', named(name), { ...spec(name), incarnation }]],
    ['PUT by id', (name, id, incarnation) => ['PUT', `${INSTANCES}/${id}`, { ...spec(name), incarnation }]],
  ])('may say so by %s', async (_, request) => {
    const name = aName();
    const { body } = await register(name, { incarnation: 'boot-1' });
    expect((await send(...request(name, body.id, 'boot-2'))).status).toBe(200);
    expect(await catalog.api.read(body.id)).toMatchObject({ incarnation: 'boot-2', incarnationNumber: 2, version: 2 });
    const late = await send(...request(name, body.id, 'boot-1'));
    expect(brief(late.body)).toEqual({ status: 409, code: 'INCARNATION_ENDED' });
    expect(late.body).toMatchObject({ currentIncarnation: 'boot-2', detail: expect.stringContaining(name) });
    expect(late.headers.get('content-type')).toContain('application/problem+json');
    expect((await catalog.api.read(body.id)).version).toBe(2);
  });

  it('is registered once, though its registration comes twice in one write', async () => {
    const name = aName();
    await register(name, { incarnation: 'boot-1' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => register(name, { incarnation: 'boot-2' }, n % 2)),
    );
    expect(answers.map(({ status, body }) => `${status} ${body.version}`)).toEqual(Array(20).fill('200 2'));
    expect((await actionsOf(answers[0]!.body)).length).toBe(2);
  });
});

interface Call {
  readonly method: string;
  readonly below: string;
  readonly body?: object;
}

const CALLS: readonly [string, Call][] = [
  ['a heartbeat', { method: 'PUT', below: '/heartbeat' }],
  ['a health report', { method: 'POST', below: '/health-reports', body: { healthy: false, output: 'late' } }],
  ['an override', { method: 'PUT', below: '/override', body: { status: 'stopping' } }],
  ['the end of an override', { method: 'DELETE', below: '/override' }],
  ['a patch', { method: 'PATCH', below: '', body: { weight: 1 } }],
  ['a deregistration', { method: 'DELETE', below: '' }],
];

describe.each([
  ['id', ({ id }: Told) => `${INSTANCES}/${id}`],
  ['name', ({ instanceId }: Told) => named(instanceId)],
])('By %s', (_, pathOf) => {
  describe.each(CALLS)('%s', (_, { method, below, body }) => {
    const call = (path: string, incarnation: string | undefined, node = 0) =>
      send(method, `${path}${below}${incarnation === undefined ? '' : `?incarnation=${incarnation}`}`, body, node);

    it('of the incarnation that runs, or of none, is carried out, on any node', async () => {
      for (const [node, incarnation] of [[0, 'boot-2'] as const, [1, 'boot-2'] as const, [0, undefined] as const]) {
        const name = aName();
        await register(name, { incarnation: 'boot-1' });
        const { body: instance } = await register(name, { incarnation: 'boot-2' });
        expect((await call(pathOf(instance), incarnation, node)).status).toBeLessThan(300);
      }
    });

    it('of another one changes nothing: one that ended, one that never was, on any node', async () => {
      const name = aName();
      await register(name, { incarnation: 'boot-1' });
      const { body: instance } = await register(name, { incarnation: 'boot-2' });
      await catalog.api.ok('PUT', `${named(name)}/override`, { status: 'maintenance' });
      const before = await catalog.api.read(instance.id);
      for (const node of [0, 1]) {
        for (const incarnation of ['boot-1', 'never', 'BOOT-2']) {
          const answer = await call(pathOf(instance), incarnation, node);
          expect(brief(answer.body)).toEqual({ status: 409, code: 'INCARNATION_ENDED' });
          expect(answer.body).toMatchObject({ currentIncarnation: 'boot-2' });
        }
      }
      expect(await catalog.api.read(instance.id)).toEqual(before);
    });

    it('of any is refused where the process that runs named none', async () => {
      const { body: instance } = await register(aName());
      const answer = await call(pathOf(instance), 'boot-1');
      expect(answer.body).toMatchObject({ status: 409, code: 'INCARNATION_ENDED', currentIncarnation: null });
    });

    it('is 409 before 412, and 404 when the instance is gone', async () => {
      const name = aName();
      const { body: instance } = await register(name, { incarnation: 'boot-1' });
      const path = `${pathOf(instance)}${below}?incarnation=boot-0`;
      if (below !== '/heartbeat') {
        const stale = await catalog.api.send(method, path, body, { 'if-match': '"99"' });
        expect(brief(stale.body)).toEqual({ status: 409, code: 'INCARNATION_ENDED' });
      }
      await catalog.api.ok('DELETE', named(name));
      expect((await call(pathOf(instance), 'boot-0')).body).toMatchObject({ status: 404, code: 'INSTANCE_NOT_FOUND' });
    });

    it('that names what is none is told so', async () => {
      const { body: instance } = await register(aName());
      for (const incarnation of ['', 'a%20b', 'a+b', '%C3%BC', 'x'.repeat(101)]) {
        const answer = await call(pathOf(instance), incarnation);
        expect(brief(answer.body)).toEqual({ status: 400, code: 'VALIDATION_FAILED', at: ['/query/incarnation'] });
      }
    });
  });
});

describe('An incarnation', () => {
  it.each(['', 'a b', 'ü', 'x'.repeat(101), 7, null, ['a'], 'a\n'])('cannot be %j', async incarnation => {
    expect(brief((await register(aName(), { incarnation })).body)).toEqual({
      status: 400,
      code: 'VALIDATION_FAILED',
      at: ['/incarnation'],
    });
  });

  it.each(['0', 'x'.repeat(100), 'Az09._:@+/=-', '2026-11-23T08:15:30.123+01:00', 'c29tZS9ieXRlcw=='])(
    'can be %j, in bodies and in queries',
    async incarnation => {
      const name = aName();
      expect((await register(name, { incarnation })).body.incarnation).toBe(incarnation);
      const heartbeat = await send('PUT', `${named(name)}/heartbeat?incarnation=${encodeURIComponent(incarnation)}`);
      expect(heartbeat.status).toBe(204);
    },
  );

  it('is nothing that a patch can set, and the answer says what to do', async () => {
    const name = aName();
    await register(name, { incarnation: 'boot-1' });
    for (const incarnation of ['boot-2', 'boot-1', null]) {
      const { body } = await send('PATCH', named(name), { incarnation });
      expect(brief(body)).toEqual({ status: 400, code: 'VALIDATION_FAILED', at: ['/incarnation'] });
      expect(body.detail).toContain('when it registers');
    }
  });

  it('is no parameter of reads', async () => {
    const { body } = await register(aName(), { incarnation: 'boot-1' });
    expect((await send('GET', `${INSTANCES}/${body.id}?incarnation=boot-1`)).status).toBe(400);
  });

  it('belongs to an instance: when that is gone, nothing is remembered', async () => {
    const name = aName();
    await register(name, { incarnation: 'boot-1' });
    await register(name, { incarnation: 'boot-2' });
    await catalog.api.ok('DELETE', `${named(name)}?incarnation=boot-2`);
    const { status, body } = await register(name, { incarnation: 'boot-1' });
    expect([status, body.incarnation, body.incarnationNumber]).toEqual([201, 'boot-1', 1]);
  });
});

const keyed = (key: string, body: object) =>
  catalog.api.send<Told>('POST', INSTANCES, body, { 'idempotency-key': key });

describe('Under an Idempotency-Key', () => {
  it('a process that starts again and names its incarnation is told that the key was used', async () => {
    const name = aName();
    await keyed(name, spec(name, { incarnation: 'boot-1' }));
    const answer = await keyed(name, spec(name, { incarnation: 'boot-2' }));
    expect(brief(answer.body)).toEqual({ status: 422, code: 'IDEMPOTENCY_MISMATCH' });
  });

  it('a process that starts again with an equal body gets the first answer, and registers nothing', async () => {
    const name = aName();
    await keyed(name, spec(name));
    await catalog.api.ok('PUT', `${named(name)}/override`, { status: 'stopping' });
    const answer = await keyed(name, spec(name));
    expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect((await catalog.api.ok('GET', named(name))).status).toBe('stopping');
  });

  it('a refusal comes again, whatever has happened meanwhile', async () => {
    const name = aName();
    const { body } = await register(name, { incarnation: 'boot-1' });
    const late = () =>
      catalog.api.send('DELETE', `${named(name)}?incarnation=boot-0`, undefined, { 'idempotency-key': `late-${name}` });
    expect((await late()).status).toBe(409);
    await catalog.api.ok('DELETE', `${INSTANCES}/${body.id}`);
    const again = await late();
    expect(again.body).toMatchObject({ status: 409, code: 'INCARNATION_ENDED', currentIncarnation: 'boot-1' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });
});

const OTHER_ID = '00000000-0000-7000-8000-000000000001';

interface BulkResult {
  readonly renewed?: number;
  readonly deregistered?: number;
  readonly notFound: readonly string[];
  readonly incarnationEnded?: readonly string[];
}

describe.each([
  [HEARTBEATS, 'renewed', 5_000],
  [DEREGISTRATIONS, 'deregistered', 1_000],
])('%s', (path, done, most) => {
  it('tells which instances are run by another incarnation, and does what it can for the others', async () => {
    const instances = await Promise.all(
      [{ incarnation: 'boot-1' }, { incarnation: 'boot-2' }, {}, { incarnation: 'boot-3', status: 'starting' }, {}].map(
        async differing => (await register(aName(), differing)).body.id,
      ),
    );
    const [mine, others, nameless, starting, plain] = instances as [string, string, string, string, string];
    const gone = '00000000-0000-7000-8000-000000000000';
    const { status, body } = await send<BulkResult>('POST', path, {
      ids: [plain],
      instances: [
        { id: mine, incarnation: 'boot-1' },
        { id: others, incarnation: 'boot-1' },
        { id: nameless, incarnation: 'boot-1' },
        { id: starting, incarnation: 'boot-3' },
        { id: gone, incarnation: 'boot-1' },
      ],
    });
    expect(status).toBe(200);
    expect({ ...body, incarnationEnded: [...body.incarnationEnded!].sort() }).toEqual({
      [done]: 3,
      notFound: [gone],
      incarnationEnded: [others, nameless].sort(),
    });
    for (const id of [others, nameless]) expect(await catalog.api.read(id)).toMatchObject({ version: 1 });
  });

  it('is as it was for who names ids only', async () => {
    const { body: instance } = await register(aName(), { incarnation: 'boot-1' });
    const { body } = await send<BulkResult>('POST', path, { ids: [instance.id, instance.id] });
    expect(body).toEqual({ [done]: 1, notFound: [] });
  });

  it('takes each instance once, with one incarnation', async () => {
    const { body: instance } = await register(aName(), { incarnation: 'boot-1' });
    const one = { id: instance.id, incarnation: 'boot-1' };
    const two = { id: instance.id, incarnation: 'boot-2' };
    for (const [body, at] of [
      [{ instances: [one, two] }, '/instances/1'],
      [{ ids: [instance.id], instances: [one] }, '/instances/0'],
      [{}, '/ids'],
      [{ instances: [] }, '/instances'],
      [{ instances: [{ id: instance.id }] }, '/instances/0/incarnation'],
      [{ instances: [{ ...one, incarnation: '' }] }, '/instances/0/incarnation'],
      [{ ids: Array(most).fill(instance.id), instances: [{ ...one, id: OTHER_ID }] }, '/instances'],
      [{ ids: Array(most + 1).fill(instance.id) }, '/ids'],
    ] as const) {
      const answer = await send('POST', path, body);
      expect(
        answer.body.errors?.map(error => error.path),
        JSON.stringify(body).slice(0, 100),
      ).toContain(at);
      expect(answer.status).toBe(400);
    }
    const { body } = await send<BulkResult>('POST', path, { instances: [one, one] });
    expect(body).toEqual({ [done]: 1, notFound: [] });
  });
});

const renewedAt = async (id: string) => (await catalog.api.read(id)).lastSeenAt;

/** Two nodes that both know some instances, the second of which hears of nothing more. */
async function withDeafNode(names: readonly string[], work: (front: Api, deaf: Api) => Promise<void>): Promise<void> {
  const own = await startCatalog({ nodes: 2 });
  try {
    const [front, deaf] = own.nodes.map(({ api }) => api) as [Api, Api];
    for (const name of names) await front.ok('POST', INSTANCES, spec(name, { incarnation: 'boot-1' }));
    await waitFor('both nodes have them', async () => (await discover(deaf)).instances.length === names.length);
    await own.nodes[1]!.app.get(CatalogFollower).stop();
    await work(front, deaf);
  } finally {
    await own.close();
  }
}

describe('A node whose view is behind', () => {
  it('looks in the database before it refuses a heartbeat of an incarnation that it does not know', async () => {
    const name = aName();
    await register(name, { incarnation: 'boot-1' }, DEAF);
    const { body } = await register(name, { incarnation: 'boot-2' });
    const before = await renewedAt(body.id);
    expect((await send('PUT', `${named(name)}/heartbeat?incarnation=boot-2`, undefined, DEAF)).status).toBe(204);
    expect((await send('PUT', `${named(name)}/heartbeat?incarnation=boot-3`, undefined, DEAF)).status).toBe(409);
    const many = await send<BulkResult>(
      'POST',
      HEARTBEATS,
      { instances: [{ id: body.id, incarnation: 'boot-2' }] },
      DEAF,
    );
    expect(many.body).toEqual({ renewed: 1, notFound: [] });
    await waitFor('the renewal is noted', async () => (await renewedAt(body.id)) > before);
  });

  it('may answer a heartbeat of the process before, which renews nothing all the same', async () => {
    await withDeafNode(['zombie', 'other'], async (front, deaf) => {
      const { id } = await front.ok('POST', INSTANCES, spec('zombie', { incarnation: 'boot-2' }));
      const seen = async (name: string) => (await front.ok('GET', named(name))).lastSeenAt;
      const [before, otherBefore] = [await seen('zombie'), await seen('other')];
      expect((await deaf.send('PUT', `${INSTANCES}/${id}/heartbeat?incarnation=boot-1`)).status).toBe(204);
      // When a renewal is noted that was taken after it, so would it have been.
      expect((await deaf.send('PUT', `${named('other')}/heartbeat?incarnation=boot-1`)).status).toBe(204);
      await waitFor('the later renewal is noted', async () => (await seen('other')) > otherBefore);
      expect(await seen('zombie')).toBe(before);
    });
  });

  it('finds by name the process that registered after the instance had been removed', async () => {
    await withDeafNode(['removed'], async (front, deaf) => {
      await front.ok('DELETE', named('removed'));
      const { id, lastSeenAt } = await front.ok('POST', INSTANCES, spec('removed', { incarnation: 'boot-2' }));
      const beat = async (incarnation: string) =>
        (await deaf.send('PUT', `${named('removed')}/heartbeat?incarnation=${incarnation}`)).status;
      await waitFor('the node hears that the old one is gone', async () => (await beat('boot-1')) === 409);
      expect(await beat('boot-2')).toBe(204);
      expect((await deaf.send('PUT', `${named('removed')}/heartbeat`)).status).toBe(204);
      await waitFor('the renewal is noted', async () => (await front.read(id)).lastSeenAt > lastSeenAt);
    });
  });
});

describe('Whoever reads', () => {
  it('sees the incarnation and how many there were, and nothing of those that ended', async () => {
    const service = aName();
    await register('a', { service, incarnation: 'boot-1' });
    const first = await headOf(catalog.api);
    await register('a', { service, incarnation: 'boot-2' });
    const current = { incarnation: 'boot-2', incarnationNumber: 2 };
    const { body } = await catalog.api.get<LeasedView>(named('a', service));
    const [found] = (await discover(catalog.api, service)).instances;
    const resolve = await catalog.api.ok<{ instance: LeasedView }>(
      'GET',
      `/api/v1/discovery/services/${service}/resolve`,
    );
    const search = await catalog.api.ok<{ items: LeasedView[] }>(
      'GET',
      `/api/v1/discovery/instances?service=${service}`,
    );
    const list = `/api/v1/discovery/services/${service}/instances`;
    const past = await catalog.api.ok<{ instances: LeasedView[] }>('GET', `${list}?asOf=${await headOf(catalog.api)}`);
    const all = [body, found!, resolve.instance, search.items[0]!, past.instances[0]!];
    for (const instance of all) {
      expect(instance).toMatchObject(current);
      expect(instance).not.toHaveProperty('endedIncarnations');
    }
    const before = await catalog.api.ok<{ instances: LeasedView[] }>('GET', `${list}?asOf=${first}`);
    expect(before.instances).toMatchObject([{ incarnation: 'boot-1', incarnationNumber: 1 }]);
    const diff = await catalog.api.ok<{
      services: { changed: { before: LeasedView; after: LeasedView; patch: unknown[] }[] }[];
    }>('GET', `/api/v1/discovery/diff?from=${first}&service=${service}`);
    const [changed] = diff.services[0]!.changed;
    expect(changed).toMatchObject({ before: { incarnation: 'boot-1' }, after: current });
    expect(JSON.stringify(changed)).not.toContain('endedIncarnations');
  });

  it('of the log sees the event, with all that is stored', async () => {
    const name = aName();
    await register(name, { incarnation: 'boot-1' });
    await catalog.api.ok('PUT', `${named(name)}/override`, { status: 'stopping', reason: 'rollout' });
    const { body } = await register(name, { incarnation: 'boot-2' });
    const event = (await eventsOf(catalog.api, `instance=${body.id}&action=instance.incarnation_started`))[0]!;
    expect(event).toMatchObject({
      revision: body.revision,
      version: 3,
      before: { incarnation: 'boot-1', incarnationNumber: 1, override: { scope: 'incarnation' } },
      after: { incarnation: 'boot-2', incarnationNumber: 2, endedIncarnations: ['boot-1'], override: null },
    });
    const verified = await catalog.api.ok<{ valid: boolean }>('GET', '/api/v1/audit/verify');
    expect(verified.valid).toBe(true);
  });

  it('asks why, and is told what ends with the process', async () => {
    const name = aName();
    await register(name, { incarnation: 'boot-1' });
    await catalog.api.ok('PUT', `${named(name)}/override`, { status: 'stopping' });
    const told = await catalog.api.ok<object>('GET', `${named(name)}/explain`);
    expect(told).toMatchObject({
      incarnation: 'boot-1',
      incarnationNumber: 1,
      override: { status: 'stopping', scope: 'incarnation' },
      notes: expect.arrayContaining([expect.stringContaining('another process registers')]),
    });
  });

  it('of a service finds the instances that start again and again', async () => {
    const service = aName();
    for (let n = 0; n < 4; n++) await register('crashing', { service, incarnation: `boot-${n}` });
    await register('steady', { service, incarnation: 'boot-0' });
    const search = (filter: string) =>
      catalog.api.ok<{ items: LeasedView[] }>(
        'GET',
        `/api/v1/discovery/instances?service=${service}&filter=${encodeURIComponent(filter)}`,
      );
    const list = (filter: string, rest = '') =>
      catalog.api.ok<{ instances: LeasedView[] }>(
        'GET',
        `/api/v1/discovery/services/${service}/instances?filter=${encodeURIComponent(filter)}${rest}`,
      );
    const at = `&asOf=${await headOf(catalog.api)}`;
    expect((await search('incarnationNumber > 3')).items.map(one => one.instanceId)).toEqual(['crashing']);
    expect((await list('incarnationNumber > 3')).instances.map(one => one.instanceId)).toEqual(['crashing']);
    expect((await list('incarnationNumber <= 3', at)).instances.map(one => one.instanceId)).toEqual(['steady']);
    expect((await search('incarnation == "boot-0"')).items.map(one => one.instanceId)).toEqual(['steady']);
    expect((await list('incarnation is empty')).instances).toEqual([]);
  });
});

describe('Overrides by a selector', () => {
  it('have the scope that they ask for, or that of their status', async () => {
    const service = aName();
    for (const instanceId of ['a', 'b']) await register(instanceId, { service, incarnation: 'boot-1' });
    const set = (body: object) =>
      catalog.api.ok<{ changed: number }>('PUT', '/api/v1/registry/overrides', { selector: { service }, ...body });
    expect((await set({ status: 'stopped', scope: 'instance' })).changed).toBe(2);
    expect((await register('a', { service, incarnation: 'boot-2' })).body.status).toBe('stopped');
    expect((await set({ status: 'stopped' })).changed, 'another scope is another override').toBe(2);
    expect((await register('a', { service, incarnation: 'boot-3' })).body.status).toBe('healthy');
    expect((await discover(catalog.api, service)).instances[1]!.override).toMatchObject({ scope: 'incarnation' });
  });
});
