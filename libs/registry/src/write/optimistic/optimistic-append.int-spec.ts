import { query } from '@coordination/database';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../../test/support/catalog/catalog-invariants.js';
import {
  anIdentity,
  anOrigin,
  aRepeatableCall,
  aSpec,
  registerCommand,
} from '../../../../../test/support/catalog/factories.js';
import { PostgresProxy } from '../../../../../test/support/database/postgres-proxy.js';
import { startSeeingWriter } from '../../../../../test/support/catalog/cached-writer.js';
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/database/test-database.js';
import { unhurried } from '../../../../../test/support/time/slowness.js';
import { eventually } from '../../../../../test/support/time/eventually.js';
import { waitFor } from '../../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../../test/support/catalog/writer.js';
import { type Command } from '../../domain/commands.js';

/** The statement that appends without a lock, and no other. */
const APPEND_AT_KNOWN = /with given/;

let database: TestDatabase;
let proxy: PostgresProxy;
let node: WritingNode;
/** Another node, which always takes the lock. */
let other: WritingNode;

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startSeeingWriter(proxy.url);
  other = await startWriter(database.url);
  // The first batch learns what the next ones need.
  await node.submit(register('before'));
});

afterEach(async () => {
  await Promise.all([node.close(), other.close()]);
  await assertCatalogInvariants(database.url);
  await proxy.shut();
  await database.drop();
});

const named = (instanceId: string) => ({ identity: anIdentity({ instanceId }) });
const register = (instanceId: string, port = 80) => registerCommand({ ...named(instanceId), spec: aSpec({ port }) });
const heartbeat = (instanceId: string): Command => ({ kind: 'heartbeat', target: named(instanceId) });
const report = (instanceId: string, healthy: boolean): Command => ({
  kind: 'report-health',
  target: named(instanceId),
  report: { healthy, output: 'said so' },
});

const sql = <Row>(text: string): Promise<Row[]> => query<Row>(other.databases.em('reads'), text);

/** What the writer said so far; the view polls through the same proxy, in transactions of its own. */
const ofWriter = () => proxy.sentBy('platform-coordination writer');

/** How the tries to append since the start ended. */
const ways = () => node.ways.join(' ');

const endOf = async (submitted: Promise<{ results: readonly { outcome: string }[] }>): Promise<string> => {
  try {
    return (await submitted).results.map(({ outcome }) => outcome).join('+');
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

/** That a registration gets through, under the lock, after a try that did nothing. */
async function expectMissed(instanceId: string): Promise<void> {
  const before = node.ways.length;
  const { results, revision } = await node.submit(register(instanceId));
  expect(results[0]!.outcome).toBe('created');
  expect(node.ways.slice(before)).toEqual(['conflict', 'locked']);
  const { events } = await assertCatalogInvariants(database.url);
  expect(events.filter(event => event.instanceId === instanceId).map(event => event.revision)).toEqual([revision]);
}

describe('A batch that is decided on what the node knows', () => {
  it('is one statement', async () => {
    const before = ofWriter().length;
    await Promise.all([node.submit(register('a')), node.submit(register('b'))]);
    expect(ways()).toBe('locked optimistic');
    expect(ofWriter().slice(before)).toEqual([expect.stringMatching(APPEND_AT_KNOWN)]);
  });

  it('registers, takes heartbeats and reports as the lock would have', async () => {
    const answers = [
      await endOf(node.submit(register('a'), register('b'))),
      await endOf(node.submit(report('a', false))),
      await endOf(node.submit(report('a', true), register('c'))),
      await endOf(node.submit(report('unknown', true), register('never'))),
    ];
    expect(answers).toEqual(['created+created', 'updated', 'updated+created', 'INSTANCE_NOT_FOUND']);
    // The last one changed nothing, so that only the lock could tell that it is so.
    expect(ways()).toBe('locked optimistic optimistic optimistic locked');
    const { events } = await assertCatalogInvariants(database.url);
    expect(events.slice(1).map(({ action, instanceId }) => `${action} ${instanceId}`)).toEqual([
      'instance.registered a',
      'instance.registered b',
      'instance.health_changed a',
      'instance.health_changed a',
      'instance.registered c',
    ]);
  });

  it('leaves what it does not know of a lease as it is', async () => {
    const starting = { ...register('a'), initialState: 'starting' } as const;
    await node.submit(starting);
    await sql(`update instance_lease set checked_at = '2026-01-01T00:00:00Z', renewed_at = '2026-01-01T00:00:00Z'
      where instance_id = '${starting.id}'`);
    expect(await endOf(node.submit(heartbeat('a')))).toBe('updated');
    expect(ways()).toBe('locked optimistic optimistic');
    const [lease] = await sql<{ checked: string; isRenewed: boolean }>(
      `select checked_at::text as checked, renewed_at > '2026-01-02' as "isRenewed"
       from instance_lease where instance_id = '${starting.id}'`,
    );
    expect(lease).toEqual({ checked: '2026-01-01 00:00:00+00', isRenewed: true });
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'a change that keeps the lease',
      () => node.submit({ kind: 'patch', target: named('before'), patch: { port: 9 } }),
    ],
    ['a registration of what is there', () => node.submit(register('before', 81))],
    ['a removal', () => node.submit({ kind: 'deregister', target: named('before') })],
    [
      'a request under a key',
      () => node.writer.submit({ commands: [register('k')], origin: anOrigin({ repeatable: aRepeatableCall('k') }) }),
    ],
  ])('is not %s', async (_, submit) => {
    await submit();
    expect(ways()).toBe('locked locked');
  });

  it('has times that never fall and are never ahead of the clock of the database', async () => {
    for (let n = 0; n < 30; n++) await (n % 3 === 0 ? other : node).submit(register(`t-${n}`));
    for (let n = 0; n < 30; n++) await node.submit(register(`u-${n}`));
    const { events } = await assertCatalogInvariants(database.url);
    const times = events.map(({ at }) => at);
    expect(times).toEqual(times.toSorted());
    expect(await sql(`select at from service_event where at > clock_timestamp()`)).toEqual([]);
    expect(node.ways).toContain('optimistic');
  });
});

describe('A catalog that is not as it was taken to be', () => {
  it('because another node has written: the lock is taken, and less is tried for a while', async () => {
    await node.submit(register('a'));
    // Not told of it, as over a network that is slow.
    proxy.intercept(/from service_event where revision/, 'before');
    await other.submit(register('meanwhile'));
    await expectMissed('b');
  });

  it.each([
    ['the fence was raised', 'update catalog_head set fence = fence + 1'],
    ['another epoch has begun', 'update catalog_head set epoch = gen_random_uuid()'],
    ['time is settled beyond it', `update catalog_head set settled_at = clock_timestamp() + interval '1 hour'`],
    ['the last event is later', `update catalog_head set at = clock_timestamp() + interval '1 hour'`],
  ])('because %s', async (_, change) => {
    await sql(change);
    const before = node.ways.length;
    await node.submit(register('late'));
    expect(node.ways.slice(before)).toEqual(['conflict', 'locked']);
  });

  it('because the head came to another server: it is for the guard of the history to judge', async () => {
    await sql(`update catalog_head set timeline = timeline + 1`);
    expect(await endOf(node.submit(register('moved')))).toBe('created');
    expect(ways()).toBe('locked conflict locked');
  });

  it('because an instance was changed past the writer: nothing is written over it', async () => {
    await sql(`update service_instance set version = version + 1 where instance_id = 'before'`);
    const trap = proxy.intercept(/lock_catalog_head/, 'before');
    const answer = endOf(node.submit(report('before', false)));
    await trap.reached;
    expect(ways()).toBe('locked conflict');
    trap.cut();
    expect(await answer).toBe('STORE_UNAVAILABLE');
    await sql(`update service_instance set version = version - 1 where instance_id = 'before'`);
  });
});

describe('A statement that fails', () => {
  it('for one value that the database refuses: only its request is refused', async () => {
    await sql(`alter table service_instance add constraint no_13 check (port <> 13)`);
    const ends = await Promise.all([80, 81, 13, 82].map(port => endOf(node.submit(register(`port-${port}`, port)))));
    expect(ends).toEqual(['created', 'created', 'VALIDATION_FAILED', 'created']);
  });

  it.each([
    ['before it got there', 'before', 'STORE_UNAVAILABLE', 0],
    ['after it was done', 'after', 'created', 2],
  ] as const)('because the connection was cut %s: it is settled what happened', async (_, when, end, logged) => {
    const trap = proxy.intercept(APPEND_AT_KNOWN, when);
    const answers = Promise.all(['a', 'b'].map(name => endOf(node.submit(register(name)))));
    await trap.reached;
    trap.cut();
    expect(await answers).toEqual([end, end]);
    const { events } = await assertCatalogInvariants(database.url);
    expect(events).toHaveLength(1 + logged);
    expect(await endOf(node.submit(register('after')))).toBe('created');
  });

  it('because there is no database: nothing was sent, so nothing happened, and callers hear so at once', async () => {
    proxy.setRefusing(true);
    await waitFor('the connections are gone', () => node.databases.use().every(({ open }) => open === 0));
    const answer = await endOf(node.submit(register('a')));
    proxy.setRefusing(false);
    expect(answer).toBe('STORE_UNAVAILABLE');
    expect(await endOf(node.submit(register('after')))).toBe('created');
  });

  it('because the client vanished while it was on its way: when it comes too late, it does nothing', async () => {
    const trap = proxy.intercept(APPEND_AT_KNOWN, 'before');
    const answer = endOf(node.submit(register('a')));
    await trap.reached;
    trap.cut({ server: false });
    expect(await answer).toBe('STORE_UNAVAILABLE');
    trap.resume();
    expect(await endOf(node.submit(register('after')))).toBe('created');
    const { events } = await assertCatalogInvariants(database.url);
    expect(events.map(event => event.instanceId)).toEqual(['before', 'after']);
  });

  it('because whoever holds the head does not let go: nothing happened, and callers hear so', async () => {
    const hasty = await startSeeingWriter(proxy.url, { headHoldLimitMs: unhurried(500) });
    // On a busy machine it may need several tries.
    const creates = (name: string) =>
      eventually(async () => expect(await endOf(hasty.submit(register(name)))).toBe('created'));
    await creates('first');
    await other.databases.em('reads').transactional(async em => {
      await query(em, 'select from catalog_head for update');
      expect(await endOf(hasty.submit(register('a')))).toBe('STORE_UNAVAILABLE');
    });
    await creates('again');
    await hasty.close();
  });
});
