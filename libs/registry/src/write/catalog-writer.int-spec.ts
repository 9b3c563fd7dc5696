import { newId, QueueFullError } from '@coordination/kernel';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type InstanceSpec } from '@coordination/catalog';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { type Command } from '../domain/commands.js';

let database: TestDatabase;
let proxy: PostgresProxy;
let node: WritingNode;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startWriter(proxy.url);
});

afterEach(() => node.catalog.detach());

afterAll(async () => {
  await node.close();
  await assertCatalogInvariants(database.url);
  await proxy.shut();
  await database.drop();
});

const named = (instanceId: string) => ({ identity: anIdentity({ instanceId }) });

const register = (instanceId: string, spec: Partial<InstanceSpec> = {}) =>
  registerCommand({ ...named(instanceId), spec: aSpec(spec) });

const deregister = (instanceId: string): Command => ({ kind: 'deregister', target: named(instanceId) });

const numbered = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** How each request ended: the outcomes of its commands, or the code of its error. */
const endings = async (requests: readonly Promise<{ results: readonly { outcome: string }[] }>[]) =>
  (await Promise.allSettled(requests)).map(settled =>
    settled.status === 'fulfilled'
      ? settled.value.results.map(result => result.outcome).join('+')
      : ((settled.reason as { code?: string }).code ?? String(settled.reason)),
  );

describe('CatalogWriter', () => {
  it('registers an instance, changes it and lets it go, each as one event', async () => {
    const created = await node.submit(register('a'));
    expect(created).toMatchObject({ results: [{ outcome: 'created' }] });
    const again = await node.submit(register('a'));
    expect(again).toMatchObject({
      revision: created.revision,
      results: [{ outcome: 'unchanged', lifeSign: 'renewal' }],
    });
    const updated = await node.submit(register('a', { port: 81 }));
    expect(updated).toMatchObject({ revision: created.revision + 1, results: [{ outcome: 'updated' }] });
    const gone = await node.submit(deregister('a'));
    expect(gone).toMatchObject({ revision: created.revision + 2, results: [{ outcome: 'deregistered' }] });
    const { events, head } = await assertCatalogInvariants(database.url);
    expect(events.slice(-3).map(event => event.action)).toEqual([
      'instance.registered',
      'instance.updated',
      'instance.deregistered',
    ]);
    expect(gone.epoch).toBe(head.epoch);
  });

  it('keeps every field of an instance as it was given, through the database and back', async () => {
    const spec = aSpec({
      type: 'gateway',
      scheme: 'wss',
      host: '2001:db8::1',
      port: 65_535,
      zone: 'eu/1a',
      weight: 0,
      metadata: { text: 'ü😀\u2028"\\', number: 1e-7, deep: [{ a: null }, [true]], constructor: 'c', '': {} },
      check: { kind: 'none', ttlSeconds: null, deregisterAfterSeconds: 0 },
    });
    const { results } = await node.submit(register('fields', spec), {
      kind: 'set-override',
      target: named('fields'),
      status: 'maintenance',
      reason: 'disk "swap"',
      until: null,
    });
    const { instances } = await assertCatalogInvariants(database.url);
    expect(instances.get(results[1]!.leased!.instance.id)).toEqual(results[1]!.leased!.instance);
    const again = await node.submit(register('fields', spec));
    expect(again.results[0]!.outcome).toBe('unchanged');
  });

  it('gives back the lease as the database has it', async () => {
    const { results } = await node.submit(register('lease'));
    const later = await node.submit({
      kind: 'report-health',
      target: named('lease'),
      report: { healthy: false, output: '' },
    });
    const { updatedAt } = later.results[0]!.leased!.instance;
    expect(later.results[0]!.leased!.lease).toEqual({ renewedAt: updatedAt, checkedAt: updatedAt });
    const now = await node.submit({ kind: 'patch', target: named('lease'), patch: {} });
    expect(now.results[0]!.leased).toEqual(later.results[0]!.leased);
    const sign = await node.submit(register('lease'));
    expect(sign.results[0]!.leased!.lease.checkedAt).toBe(updatedAt);
    expect(sign.results[0]!.leased!.lease.renewedAt >= updatedAt).toBe(true);
    expect(results[0]!.leased!.lease.checkedAt).toBeNull();
  });

  it('writes nothing for what changes nothing', async () => {
    const { revision } = await node.submit(register('quiet'));
    proxy.statements.length = 0;
    const answers = await Promise.all(numbered(20, () => node.submit(register('quiet'))));
    expect(new Set(answers.map(answer => answer.revision))).toEqual(new Set([revision]));
    expect(proxy.statements.filter(statement => /\b(insert|update|delete|pg_notify)\b/i.test(statement))).toEqual([]);
  });
});

/** Registers half of them anew and changes the other half, all in one batch, and counts what is said to the server. */
const statementsFor = async (commands: number, name: string): Promise<string[]> => {
  const known = Math.floor(commands / 2);
  await node.submit(...numbered(Math.max(known, 1), n => register(`${name}-${n}`)));
  const batches = node.batches.length;
  proxy.statements.length = 0;
  const results = await Promise.all(numbered(commands, n => node.submit(register(`${name}-${n}`, { weight: 7 }))));
  expect(node.batches.slice(batches), 'it is one batch').toEqual([commands]);
  expect(new Set(results.map(({ results: [result] }) => result!.outcome)).size).toBe(commands === 1 ? 1 : 2);
  return [...proxy.statements];
};

describe('The statements of a batch', () => {
  it('are the same six for 1, 10 and 500 commands: begin, lock, look up, save, append, commit', async () => {
    const one = await statementsFor(1, 'one');
    const ten = await statementsFor(10, 'ten');
    const many = await statementsFor(500, 'many');
    expect(one).toHaveLength(6);
    expect(ten).toEqual(one);
    expect(many).toEqual(one);
    expect(one.map(text => text.trim().split(/\s+/).slice(0, 2).join(' ').toLowerCase())).toEqual([
      'begin',
      'select revision::float8',
      'with named',
      'with change',
      'with head',
      'commit',
    ]);
  });

  it('are as many for removals', async () => {
    await node.submit(...numbered(10, n => register(`gone-${n}`)));
    proxy.statements.length = 0;
    await Promise.all(numbered(10, n => node.submit(deregister(`gone-${n}`))));
    expect(proxy.statements).toHaveLength(6);
  });
});

describe('One batch', () => {
  it('with a stale command and a poisonous one lets all others succeed', async () => {
    await node.submit(register('stale'));
    const requests = [
      node.submit(register('good-1')),
      node.submit({ ...register('stale', { port: 81 }), ifMatch: [99] }),
      node.submit(register('poison', { port: 70_000 })),
      node.submit(register('good-2')),
      node.submit(register('good-3'), register('good-4')),
    ];
    expect(await endings(requests)).toEqual([
      'created',
      'VERSION_MISMATCH',
      'VALIDATION_FAILED',
      'created',
      'created+created',
    ]);
  });

  const poisons: readonly (readonly [string, Command, RegExp])[] = [
    ['U+0000 in metadata', register('poison', { metadata: { a: 'x\0' } }), /cannot store/],
    ['a port that is none', register('poison', { port: 70_000 }), /service_instance_port_range/],
    ['a number that is no integer', register('poison', { weight: 1.5 }), /cannot store/],
    ['a type that nobody knows', register('poison', { type: 'nonsense' as 'api' }), /service_instance_type_known/],
    ['a name that is none', register('not a name'), /service_instance_instance_id_form/],
    [
      'metadata that is no object',
      register('poison', { metadata: [] as never }),
      /service_instance_metadata_is_object/,
    ],
    ['an id that is none', { kind: 'heartbeat', target: { id: 'nonsense' } }, /cannot store/],
    ['an id that is taken', { ...register('poison'), id: newId() }, /service_instance_pkey/],
  ];

  it.each(poisons)('with %s loses that alone', async (_, poison, message) => {
    const taken = { ...register(`taken-${newId()}`), id: 'id' in poison ? poison.id : newId() };
    if (message.source.includes('pkey')) await node.submit(taken);
    const before = numbered(3, () => node.submit(register(newId())));
    const bad = node.submit(register(newId()), poison);
    const after = numbered(3, () => node.submit(register(newId())));
    await expect(bad).rejects.toMatchObject({ code: 'VALIDATION_FAILED', message: expect.stringMatching(message) });
    expect(await endings([...before, ...after])).toEqual(numbered(6, () => 'created'));
    const { events } = await assertCatalogInvariants(database.url);
    expect(events.some(event => event.instanceId === 'poison')).toBe(false);
  });

  it('with text that has no canonical form loses that alone', async () => {
    const requests = [register('well-1'), register('poison', { metadata: { a: '\uD800' } }), register('well-2')];
    const endsAs = await endings(requests.map(command => node.submit(command)));
    expect(endsAs).toEqual(['created', expect.stringContaining('surrogate'), 'created']);
  });

  it('finds several poisons, and answers all', async () => {
    const requests = numbered(40, n => node.submit(register(`some-${n}`, { port: n % 13 === 5 ? 0 : 80 })));
    expect(await endings(requests)).toEqual(numbered(40, n => (n % 13 === 5 ? 'VALIDATION_FAILED' : 'created')));
  });
});

describe('The queue', () => {
  it('refuses more than it may hold, and takes again when there is room', async () => {
    const small = await startWriter(database.url, { maxQueuedCommands: 5 });
    const requests = numbered(8, n => small.submit(register(`queued-${n}`)));
    expect(small.writer.queueLength).toBe(5);
    expect(await endings(requests)).toEqual([...numbered(5, () => 'created'), ...numbered(3, () => 'QUEUE_FULL')]);
    await expect(requests[7]).rejects.toThrow(QueueFullError);
    expect(small.writer.queueLength).toBe(0);
    await expect(small.submit(register('queued-7'))).resolves.toMatchObject({ results: [{ outcome: 'created' }] });
    await small.close();
  });

  it('idles when everything is answered, and before anything is asked', async () => {
    await node.writer.idle();
    const asked = node.submit(register('idle'));
    await node.writer.idle();
    await expect(asked).resolves.toBeDefined();
  });
});

describe('The local catalog', () => {
  it('hears of what was committed before callers do, in revision order, and of nothing else', async () => {
    const heard: number[] = [];
    const release = Promise.withResolvers<boolean>();
    node.catalog.attach({
      announce: events => {
        heard.push(...events.map(event => event.revision));
        return release.promise;
      },
    });
    let answered = false;
    const writes = [node.submit(register('announced')), node.submit(register('announced'))];
    void Promise.all(writes).then(() => (answered = true));
    await node.writer.idle();
    expect([heard.length, answered], 'callers wait until this node can read what it wrote').toEqual([1, false]);
    release.resolve(true);
    const [first, second] = await Promise.all(writes);
    expect([first!.revision, second!.revision]).toEqual([heard[0], heard[0]]);
    await node.submit(register('announced'));
    expect(heard, 'unchanged is not announced').toHaveLength(1);
  });

  it('that fails does not make a committed write fail', async () => {
    node.catalog.attach({
      announce: () => Promise.reject(new Error('view lost')),
    });
    await expect(node.submit(register('unannounced'))).resolves.toMatchObject({ results: [{ outcome: 'created' }] });
  });
});
