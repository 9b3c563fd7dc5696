import { Databases, query } from '@coordination/database';
import { Scheduler } from '@coordination/scheduling';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { type LogEvent } from '../events/log-event.js';
import { CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { EPOCH_JUMP } from '../events/chain-walk.js';
import { ChainVerifier, type Verdict, type Verification } from './chain-verifier.service.js';
import { EventSearchRepository } from '../events/event-search.repository.js';
import { chainEvent } from '../events/hash-chain.js';
import { LOG_ENTITIES } from '../entities.js';
import { LogCutRepository } from '../retention/log-cut.repository.js';
import { ServiceEventRepository } from '../events/service-event.repository.js';
import { assertVerified } from './verified-range.js';

const EVENTS = 40;

/** Small, so that breaks lie within pages and at their ends. */
const PAGE_SIZE = 7;

let database: TestDatabase;
let databases: Databases;
let events: LogEvent[];
let superuser: Client;

beforeEach(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 3, entities: LOG_ENTITIES });
  events = await appendBatch(
    databases,
    Array.from({ length: EVENTS }, (_, index) => aDraft({ reason: `change ${index + 1}` })),
  );
  superuser = new Client({ connectionString: database.url });
  await superuser.connect();
  // A superuser can disable the triggers that protect the log.
  await superuser.query('set session_replication_role = replica');
});

afterEach(async () => {
  await superuser.end();
  await databases.close();
  await database.drop();
});

const verify = (verification: Verification = {}, signal = new AbortController().signal): Promise<Verdict> =>
  new ChainVerifier(
    databases,
    new EventSearchRepository(),
    new ServiceEventRepository(),
    new CatalogHeadRepository(),
    new LogCutRepository(),
    PAGE_SIZE,
  ).verify(verification, new Scheduler().begin({ workClass: 'long' }, signal));

const tamper = (sql: string, ...parameters: unknown[]) => superuser.query(sql, parameters);

const anchorAt = (revision: number) => ({ revision, hash: events[revision - 1]!.hash });

const broken = (revision: number, reason: string) => ({ valid: false, firstBroken: { revision, reason } });

/** Writes an event, and replaces the one with its revision. */
async function forge(event: LogEvent): Promise<void> {
  await tamper('delete from service_event where revision = $1', event.revision);
  await tamper(
    `insert into service_event select e.revision, e.at, e.action, e.namespace, e.service, e."instanceId", e."instanceUuid",
       e.actor, e."clientAddress", e."requestId", e.source, e.reason, e."batchId", e.version, e.before, e.after,
       e."previousHash", e.hash, e."hashVersion"
     from jsonb_to_record($1) as e (
       revision bigint, at timestamptz, action text, namespace text, service text, "instanceId" text,
       "instanceUuid" uuid, actor text, "clientAddress" text, "requestId" text, source text, reason text,
       "batchId" uuid, version int, before jsonb, after jsonb, "previousHash" text, hash text, "hashVersion" smallint)`,
    JSON.stringify(event),
  );
}

/** Changes the log from a revision on, and recomputes the chain, as a superuser could. */
async function rewriteFrom(revision: number): Promise<void> {
  let previousHash = events[revision - 2]?.hash ?? '0'.repeat(64);
  for (const { hash: _, ...old } of events.slice(revision - 1)) {
    const forged = chainEvent({ ...old, reason: 'forged' }, { ...old, previousHash });
    await forge(forged);
    previousHash = forged.hash;
  }
  await tamper('update catalog_head set hash = $1', previousHash);
}

/** Begins a new epoch. */
async function startEpoch(): Promise<LogEvent> {
  const last = events.at(-1)!;
  const event = chainEvent(aDraft({ action: 'catalog.epoch_started', source: 'system', after: { epoch: 'new' } }), {
    ...last,
    revision: last.revision + EPOCH_JUMP,
    previousHash: last.hash,
  });
  await databases.em('writer').transactional(async em => {
    const log = new ServiceEventRepository();
    await log.ensurePartitions(em, event.revision);
    await log.append(em, await new CatalogHeadRepository().lock(em, 60_000), [event]);
  });
  return event;
}

describe('Verifying the log', () => {
  it('finds no break in what the service wrote', async () => {
    const head = { revision: EVENTS, hash: events.at(-1)!.hash };
    expect(await verify()).toEqual({ valid: true, checked: EVENTS, head, firstBroken: null });
    expect(await verify({ anchor: anchorAt(13) })).toMatchObject({ valid: true });
    expect(await verify({ anchor: { revision: 0, hash: '0'.repeat(64) } })).toMatchObject({ valid: true });
  });

  it('finds no break in an empty log', async () => {
    await tamper('truncate service_event');
    await tamper("update catalog_head set revision = 0, hash = repeat('0', 64)");
    expect(await verify()).toMatchObject({ valid: true, checked: 0, head: { revision: 0 }, firstBroken: null });
  });

  it('verifies any range', async () => {
    expect(await verify({ from: 8, to: 21 })).toMatchObject({ valid: true, checked: 14 });
    expect(await verify({ from: EVENTS })).toMatchObject({ valid: true, checked: 1 });
    expect(await verify({ to: 1 })).toMatchObject({ valid: true, checked: 1 });
    expect(await verify({ from: 39, to: 1_000_000 })).toMatchObject({ valid: true, checked: 2 });
    expect(await verify({ from: 100 })).toMatchObject({ valid: true, checked: 0 });
  });

  it.each([
    ["actor = 'somebody else'", 'HASH_MISMATCH'],
    ['reason = null', 'HASH_MISMATCH'],
    ["at = at + interval '1 millisecond'", 'HASH_MISMATCH'],
    [`after = jsonb_set(after, '{metadata,version}', '"6.6.6"')`, 'HASH_MISMATCH'],
    ["hash = repeat('a', 64)", 'HASH_MISMATCH'],
    ['hash_version = 2', 'HASH_MISMATCH'],
    ["previous_hash = repeat('a', 64)", 'LINK_MISMATCH'],
  ])('reports an event after: set %s', async (change, reason) => {
    for (const revision of [1, PAGE_SIZE, PAGE_SIZE + 1, 23, EVENTS]) {
      await tamper(`update service_event set ${change} where revision = $1`, revision);
      expect(await verify(), `${change} at ${revision}`).toMatchObject(broken(revision, reason));
      await forge(events[revision - 1]!);
      expect(await verify()).toMatchObject({ valid: true });
    }
  });

  it('reports the first of several changed events', async () => {
    await tamper("update service_event set actor = 'x' where revision in (31, 12, 20)");
    expect(await verify()).toMatchObject({ ...broken(12, 'HASH_MISMATCH'), checked: 11 });
    expect(await verify({ from: 13 })).toMatchObject(broken(20, 'HASH_MISMATCH'));
    expect(await verify({ from: 13, to: 19 })).toMatchObject({ valid: true });
  });

  it.each([1, 7, 8, 25, EVENTS])('reports the removed event %i', async revision => {
    await tamper('delete from service_event where revision = $1', revision);
    expect(await verify()).toMatchObject(broken(revision, 'EVENT_MISSING'));
    expect(await verify({ from: revision })).toMatchObject(broken(revision, 'EVENT_MISSING'));
  });

  it('reports a missing event at the end of a range, and ignores one beyond it', async () => {
    await tamper('delete from service_event where revision = 20');
    expect(await verify({ to: 20 })).toMatchObject(broken(20, 'EVENT_MISSING'));
    expect(await verify({ to: 19 })).toMatchObject({ valid: true, checked: 19 });
    expect(await verify({ from: 21 })).toMatchObject({ valid: true, checked: EVENTS - 20 });
  });

  it('reports the position of an inserted event', async () => {
    // The revisions of the later events are raised, from the last one on.
    for (let revision = EVENTS; revision >= 15; revision--) {
      await tamper('update service_event set revision = revision + 1 where revision = $1', revision);
    }
    await tamper('update catalog_head set revision = revision + 1');
    const { hash: _, ...place } = events[14]!;
    await forge(chainEvent(aDraft({ reason: 'inserted' }), place));
    expect(await verify()).toMatchObject(broken(16, 'LINK_MISMATCH'));
  });

  it('reports an event after the head', async () => {
    const last = events.at(-1)!;
    await forge(chainEvent(aDraft(), { ...last, revision: EVENTS + 1, previousHash: last.hash }));
    expect(await verify()).toMatchObject(broken(EVENTS + 1, 'BEYOND_HEAD'));
  });

  it('reports the first of two swapped events', async () => {
    await tamper('update service_event set revision = 1000 where revision = 17');
    await tamper('update service_event set revision = 17 where revision = 18');
    await tamper('update service_event set revision = 18 where revision = 1000');
    expect(await verify()).toMatchObject(broken(17, 'LINK_MISMATCH'));
  });

  it('detects by the head that the end was cut off', async () => {
    await tamper('delete from service_event where revision > 33');
    expect(await verify()).toMatchObject(broken(34, 'EVENT_MISSING'));
    expect(await verify({ to: 10 })).toMatchObject(broken(34, 'EVENT_MISSING'));
  });

  it('detects that all events were removed', async () => {
    await tamper('truncate service_event');
    expect(await verify()).toMatchObject(broken(1, 'EVENT_MISSING'));
  });

  it('detects that the head row was changed or removed', async () => {
    await tamper("update catalog_head set hash = repeat('a', 64)");
    expect(await verify()).toMatchObject(broken(EVENTS, 'HEAD_MISMATCH'));
    await tamper('update catalog_head set revision = 30');
    expect(await verify()).toMatchObject(broken(31, 'BEYOND_HEAD'));
    await tamper('delete from catalog_head');
    expect(await verify()).toMatchObject({
      ...broken(EVENTS, 'HEAD_MISSING'),
      head: { revision: EVENTS, hash: events.at(-1)!.hash },
    });
  });

  it('needs an anchor to detect that the end was cut off together with the head', async () => {
    await tamper('delete from service_event where revision > 33');
    await tamper('update catalog_head set revision = 33, hash = $1', events[32]!.hash);
    expect(await verify()).toMatchObject({ valid: true });
    expect(await verify({ anchor: anchorAt(33) })).toMatchObject({ valid: true });
    expect(await verify({ anchor: anchorAt(36) })).toMatchObject(broken(34, 'ANCHOR_MISSING'));
  });

  it('needs an anchor to detect that the chain was rewritten', async () => {
    await rewriteFrom(20);
    expect(await verify()).toMatchObject({ valid: true });
    expect(await verify({ anchor: anchorAt(19) })).toMatchObject({ valid: true });
    expect(await verify({ anchor: anchorAt(20) })).toMatchObject(broken(20, 'ANCHOR_MISMATCH'));
    expect(await verify({ anchor: anchorAt(EVENTS) })).toMatchObject(broken(EVENTS, 'ANCHOR_MISMATCH'));
    await rewriteFrom(1);
    expect(await verify({ anchor: anchorAt(5), from: 10 })).toMatchObject(broken(5, 'ANCHOR_MISMATCH'));
    expect(await verify({ anchor: { revision: 0, hash: 'f'.repeat(64) } })).toMatchObject(broken(1, 'ANCHOR_MISMATCH'));
  });

  it('recomputes the hash of an anchored event', async () => {
    await tamper("update service_event set actor = 'x' where revision = 9");
    expect(await verify({ from: 20, anchor: anchorAt(9) })).toMatchObject(broken(9, 'ANCHOR_MISMATCH'));
    await tamper('delete from service_event where revision = 9');
    expect(await verify({ from: 20, anchor: anchorAt(9) })).toMatchObject(broken(9, 'ANCHOR_MISSING'));
  });

  it('stops when it is aborted', async () => {
    const reason = new Error('gone');
    await expect(verify({}, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('Verifying a log with a new epoch', () => {
  it('accepts the jump of the epoch, and continues after it', async () => {
    const epoch = await startEpoch();
    const more = await appendBatch(databases, [aDraft(), aDraft()]);
    expect(more[0]!.revision).toBe(EVENTS + EPOCH_JUMP + 1);
    expect(await verify({ anchor: { revision: epoch.revision, hash: epoch.hash } })).toMatchObject({
      valid: true,
      checked: EVENTS + 3,
    });
    expect(await verify({ from: EVENTS + 5, to: epoch.revision + 1 })).toMatchObject({ valid: true, checked: 2 });
    expect(await verify({ from: 30, to: EVENTS + 5 })).toMatchObject({ valid: true, checked: 11 });
    expect(await verify({ from: epoch.revision })).toMatchObject({ valid: true, checked: 3 });
  });

  it('verifies no event in the gap, which is no proof', async () => {
    await startEpoch();
    const range = { from: EVENTS + 1, to: EVENTS + 9 };
    const verdict = await verify(range);
    expect(verdict).toMatchObject({ valid: true, checked: 0 });
    expect(() => assertVerified(range, verdict)).toThrow('a history that has ended');
  });

  it('accepts no other gap', async () => {
    await startEpoch();
    await tamper('delete from service_event where revision = $1', EVENTS);
    expect(await verify()).toMatchObject(broken(EVENTS, 'EVENT_MISSING'));
    await forge(events.at(-1)!);
    await tamper('update service_event set revision = revision + 1 where revision > $1', EVENTS);
    await tamper('update catalog_head set revision = revision + 1');
    expect(await verify()).toMatchObject(broken(EVENTS + 1, 'EVENT_MISSING'));
  });

  it('reports an event that was inserted into the gap', async () => {
    await startEpoch();
    const last = events.at(-1)!;
    await forge(chainEvent(aDraft(), { ...last, revision: EVENTS + 1, previousHash: last.hash }));
    expect(await verify()).toMatchObject(broken(EVENTS + 2, 'EVENT_MISSING'));
    expect(await verify({ anchor: { revision: EVENTS + 9, hash: 'f'.repeat(64) } })).toMatchObject(
      broken(EVENTS + 2, 'EVENT_MISSING'),
    );
  });
});

describe('A long verification', () => {
  let own: TestDatabase;
  let other: Databases;

  beforeAll(async () => {
    own = await createTestDatabase();
    other = await Databases.open({ url: own.url, ssl: 'off', poolMax: 3, entities: LOG_ENTITIES });
    const padding = 'x'.repeat(20_000);
    for (let batch = 0; batch < 5; batch++) {
      await appendBatch(
        other,
        Array.from({ length: 300 }, () => aDraft({ after: { padding } })),
      );
    }
  });

  afterAll(async () => {
    await other.close();
    await own.drop();
  });

  it('does not block the event loop, and keeps no transaction open', async () => {
    const verifier = new ChainVerifier(
      other,
      new EventSearchRepository(),
      new ServiceEventRepository(),
      new CatalogHeadRepository(),
    );
    let turns = 0;
    let running = true;
    const count = () => {
      turns += 1;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    const verdict = await verifier.verify({}, new Scheduler().begin({ workClass: 'long' }));
    running = false;
    expect(verdict).toMatchObject({ valid: true, checked: 1_500 });
    // 30 MB are hashed in four pages; with one turn per page only there would be a handful.
    expect(turns).toBeGreaterThan(10);
    const open = await query(
      other.em('writer'),
      "select 1 from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
    );
    expect(open).toEqual([]);
  });
});
