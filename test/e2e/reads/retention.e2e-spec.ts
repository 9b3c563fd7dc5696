import { readFile } from 'node:fs/promises';
import { type LogEvent } from '@coordination/log';
import { newId } from '@coordination/kernel';
import { type InstanceRecord } from '@coordination/catalog';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explanation } from '@coordination/liveness/testing';
import { CatalogAuthor } from '../../support/catalog/catalog-author.js';
import { type Api, INSTANCES, type LeasedView, LONG_LEASE, named, type Problem } from '../../support/http/api.js';
import { type CatalogNode, eventsOf, headOf, startNode } from '../../support/catalog/catalog-service.js';
import { compactSome } from '../../support/log/compaction.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { makePartitionsSmall } from '../../support/database/small-partitions.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';
import { openWatch } from '../../support/watch/recording-watcher.js';

const SIZE = 20;
const ORDERS = '/api/v1/discovery/services/orders/instances?status=any';
const KEY = { 'idempotency-key': 'asked-before-the-cut' };
const IDLE = { service: 'idle', instanceId: 'idle', check: LONG_LEASE };

interface Retention {
  readonly oldestRevision: number;
  readonly anchor: { readonly revision: number; readonly hash: string } | null;
  readonly cuts: readonly {
    readonly eventRevision: number;
    readonly exportFile: string;
    readonly finishedAt: string;
  }[];
}

let database: TestDatabase;
let node: CatalogNode;
let directory: DisposableDirectory;
let idle: LeasedView;
let forgotten: LeasedView;
let lastOfAll: LeasedView;
let keyed: { readonly body: LeasedView; readonly status: number };
let cut: number;
let oldAnswer: string;
let answerAtCut: string;

const api = (): Api => node.api;

const register = async (n: number) => await api().register({ instanceId: `o-${n % 3}`, weight: n });

const retention = () => api().ok<Retention>('GET', '/api/v1/audit/retention');

/** Fills partitions, and lets all go but the last, under a node that goes on. */
beforeAll(async () => {
  database = await createTestDatabase();
  await makePartitionsSmall(database.url, SIZE);
  node = await startNode(database.url, { PCS_WATCH_BOOKMARK_SECONDS: '1' });
  directory = disposableDirectory();
  forgotten = await api().register({ ...IDLE, instanceId: 'gone' });
  await api().ok('DELETE', named('gone', 'idle'));
  idle = await api().register(IDLE);
  lastOfAll = await api().register({ service: 'ended', instanceId: 'last' });
  await api().ok('DELETE', named('last', 'ended'));
  for (let n = 0; n < 2 * SIZE; n++) await register(n);
  await waitFor('the last of them are of another time', async () => {
    await register(Date.now() % 10_000);
    return (await headOf(api())) % SIZE > 2;
  });
  // It says what is known: the answer is told from an event that is about to be removed.
  keyed = await api().send<LeasedView>('POST', INSTANCES, { ...IDLE, host: '10.0.0.1', port: 8080 }, KEY);
  oldAnswer = JSON.stringify((await api().get(`${ORDERS}&asOf=5`)).body);
  cut = Math.floor((await headOf(api())) / SIZE) * SIZE - 1;
  answerAtCut = JSON.stringify((await api().get(`${ORDERS}&asOf=${cut}`)).body);
  const author = await CatalogAuthor.open(database.url);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await compactSome({ databases: author.databases, client, exportDir: directory.path, partitions: 100 });
  await client.end();
  await author.close();
});

afterAll(async () => {
  await node.close();
  await database.drop();
  await directory.remove();
});

describe('A node whose log was cut while it ran', () => {
  it('tells where the log begins, what it goes on from, and that somebody cut it', async () => {
    const { oldestRevision, anchor, cuts } = await retention();
    expect(oldestRevision).toBe(cut);
    expect(anchor).toMatchObject({ revision: cut });
    const told = (await eventsOf(api(), 'action=audit.compacted')).at(-1)!;
    expect(told).toMatchObject({ revision: cuts[0]!.eventRevision, actor: 'system:retention', source: 'system' });
    expect(told.after).toMatchObject({ revision: cut, hash: anchor!.hash, exportFile: cuts[0]!.exportFile });
    expect(cuts.every(({ finishedAt }) => finishedAt !== null)).toBe(true);
    const file = await readFile(`${directory.path}/${cuts.at(-1)!.exportFile}`, 'utf8');
    expect((JSON.parse(file.split('\n')[0]!) as LogEvent).revision).toBe(1);
  });

  it('tells the past from there on as ever, and 410 with the oldest revision before it', async () => {
    expect(JSON.stringify((await api().get(`${ORDERS}&asOf=${cut}`)).body)).toBe(answerAtCut);
    expect(oldAnswer).toContain('"revision":5');
    const search = `/api/v1/discovery/instances?asOf=${cut}&service=idle`;
    const { items } = await api().ok<{ items: InstanceRecord[] }>('GET', search);
    expect(items.map(({ id }) => id)).toEqual([idle.id]);
    for (const path of [
      `${ORDERS}&asOf=5`,
      `${ORDERS}&asOf=0`,
      `${ORDERS}&asOf=2026-01-01T00:00:00Z`,
      `/api/v1/discovery/services?asOf=${cut - 1}`,
      `/api/v1/discovery/instances?asOf=${cut - 1}`,
      `/api/v1/discovery/diff?from=${cut - 1}`,
      `/api/v1/audit/events?afterRevision=${cut - 1}`,
      `/api/v1/audit/events?beforeRevision=${cut + 1}`,
      `/api/v1/audit/events?from=2026-01-01T00:00:00Z`,
      `/api/v1/audit/export?afterRevision=0`,
      `/api/v1/audit/export?to=2026-01-01T00:00:00Z`,
    ]) {
      const { status, body } = await api().get<Problem & { oldestRevision: number }>(path);
      expect({ path, status, code: body.code, oldest: body.oldestRevision }).toEqual({
        path,
        status: 410,
        code: 'REVISION_COMPACTED',
        oldest: cut,
      });
    }
    for (const path of [
      `/api/v1/audit/events/${cut}`,
      `/api/v1/audit/verify?from=${cut}`,
      '/api/v1/audit/verify?to=3',
    ]) {
      const { status, body } = await api().get<Problem & { oldestRevision: number }>(path);
      expect({ path, status, oldest: body.oldestRevision }).toEqual({ path, status: 410, oldest: cut + 1 });
    }
  });

  it('verifies what is left, from the anchor on', async () => {
    const { anchor } = await retention();
    const verify = (query: string) =>
      api().ok<{ valid: boolean; checked: number }>('GET', `/api/v1/audit/verify?${query}`);
    const whole = await verify(`anchor=${cut}:${anchor!.hash}`);
    expect(whole).toMatchObject({ valid: true, checked: (await headOf(api())) - cut });
    expect(await verify(`anchor=${cut}:${'0'.repeat(64)}`)).toMatchObject({ valid: false });
    const old = await api().get(`/api/v1/audit/verify?anchor=1:${'0'.repeat(64)}`);
    expect(old.body.code).toBe('REVISION_COMPACTED');
  });

  it('exports and lists what is left when nobody asks for more', async () => {
    const lines = (await (await fetch(`${api().url}/api/v1/audit/export`)).text()).trimEnd().split('\n');
    expect((JSON.parse(lines[0]!) as LogEvent).revision).toBe(cut + 1);
    expect(lines).toHaveLength((await headOf(api())) - cut);
    for (const history of [`instances/${idle.id}/history`, 'services/idle/instances/idle/history']) {
      const told = await api().ok('GET', `/api/v1/audit/${history}`);
      expect(told).toEqual({ items: [], nextCursor: null, oldestRevision: cut });
    }
  });

  it('takes times and revisions for what is retained, and tells those that are not', async () => {
    const { at } = (await eventsOf(api(), `from=${cut + 1}`))[0]!;
    for (const path of [
      `events?from=${cut + 1}`,
      `events?afterRevision=${at}`,
      `verify?from=${at}`,
      `verify?from=${cut + 1}`,
    ]) {
      expect((await api().get(`/api/v1/audit/${path}`)).status, path).toBe(200);
    }
    for (const path of [
      `events?from=${cut}`,
      `events?to=${cut}`,
      `export?from=${cut}`,
      'verify?from=2026-01-01T00:00:00Z',
      'verify?to=2026-01-01T00:00:00Z',
    ]) {
      const { status, body } = await api().get<Problem & { oldestRevision: number }>(`/api/v1/audit/${path}`);
      expect({ path, status, oldest: body.oldestRevision }).toEqual({ path, status: 410, oldest: cut + 1 });
    }
  });

  it('answers a repetition as the first time, though the event is gone that the answer is told from', async () => {
    expect(keyed).toMatchObject({ status: 200, body: { id: idle.id, version: 1 } });
    const again = await api().send<LeasedView>('POST', INSTANCES, { ...IDLE, host: '10.0.0.1', port: 8080 }, KEY);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect({ ...again.body, lastSeenAt: '', expiresAt: '' }).toEqual({ ...keyed.body, lastSeenAt: '', expiresAt: '' });
  });

  it('goes on with watchers that know what is retained, and lets the others begin anew', async () => {
    const ending = new AbortController();
    const first = async (after: number, on: CatalogNode) => {
      for await (const frame of openWatch(on.api, 'service=orders', { after }, ending.signal)) return frame;
      return undefined;
    };
    // One that has just started has nothing in memory, and must look into the log.
    const fresh = await startNode(database.url);
    try {
      for (const after of [1, cut - 1]) {
        expect(await first(after, fresh)).toMatchObject({ event: 'reset', data: { reason: 'compacted' } });
      }
      const next = (await eventsOf(api(), `service=orders&afterRevision=${cut}`))[0]!;
      for (const on of [fresh, node]) {
        expect(await first(cut, on)).toMatchObject({ id: String(next.revision), event: next.action });
      }
    } finally {
      ending.abort();
      await fresh.close();
    }
  });

  it('holds reads with an old `since` as ever: their answers are of the present', async () => {
    const since = (await api().get<{ revision: number }>('/api/v1/discovery/services/idle/instances')).body.revision;
    expect(since).toBeLessThan(cut);
    const held = api().get<{ revision: number }>(
      `/api/v1/discovery/services/idle/instances?since=${since}&waitSeconds=30`,
    );
    await api().register({ ...IDLE, weight: 7 });
    expect((await held).body.revision).toBeGreaterThan(cut);
  });

  it('tells of those who were gone before as far as it can be known, and of the others as ever', async () => {
    type Told = Problem & { oldestRevision: number };
    // The last that happened to its service was that it went, which the baseline keeps; of the other nothing is kept.
    const problemsOf = async (id: string, instanceId: string, service: string) => {
      const problems: Told[] = [];
      for (const path of [
        `/api/v1/audit/instances/${id}/history`,
        `/api/v1/audit/services/${service}/instances/${instanceId}/history`,
        `${INSTANCES}/${id}/explain`,
        `${named(instanceId, service)}/explain`,
      ]) {
        problems.push((await api().get<Told>(path)).body);
      }
      return problems.map(({ status, code, oldestRevision }) => ({ status, code, oldestRevision }));
    };
    const gone = { status: 410, code: 'REVISION_COMPACTED', oldestRevision: cut };
    expect(await problemsOf(lastOfAll.id, 'last', 'ended')).toEqual([gone, gone, gone, gone]);
    const unknown = { status: 404, code: 'INSTANCE_NOT_FOUND', oldestRevision: cut };
    expect(await problemsOf(forgotten.id, 'gone', 'idle')).toEqual([unknown, unknown, unknown, unknown]);
    expect(await problemsOf(newId(), 'never', 'idle')).toEqual([unknown, unknown, unknown, unknown]);

    await api().ok('DELETE', named('idle', 'idle'), undefined, { 'x-change-reason': 'after the cut' });
    const explained = await api().ok<Explanation>('GET', `${named('idle', 'idle')}/explain`);
    expect(explained).toMatchObject({ id: idle.id, status: 'gone', removal: { reason: 'after the cut' } });
  });
});
