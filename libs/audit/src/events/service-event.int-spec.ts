import { Databases, query } from '@coordination/database';
import { Scheduler } from '@coordination/scheduling';
import { newId } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type CompiledQuery } from 'kysely';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIT_ACTIONS,
  CatalogHeadRepository,
  chainEvent,
  ChainVerifier,
  EventSearchRepository,
  LOG_ENTITIES,
  type EventDraft,
  type LogEvent,
  ServiceEventRepository,
} from '@coordination/log';
import { CALL_SOURCES } from '@coordination/context';
import { EPOCH_JUMP } from '@coordination/log/testing';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { AuditQuery } from './audit-query.service.js';

/** As in the migration. */
const PARTITION_SIZE = 1_000_000;

let database: TestDatabase;
let databases: Databases;
let owner: Client;
const log = new ServiceEventRepository();
const heads = new CatalogHeadRepository();

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 3, entities: LOG_ENTITIES });
  owner = new Client({ connectionString: database.url });
  await owner.connect();
});

afterAll(async () => {
  await owner.end();
  await databases.close();
  await database.drop();
});

const partitions = async () => {
  const { rows } = await owner.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'service_event'::regclass order by 1`,
  );
  return rows.map(row => row.name);
};

/** Sets the revision of the head, after which the log then continues. */
const setHead = (revision: number) => owner.query('update catalog_head set revision = $1', [revision]);

const ensurePartitions = (revision: number) => log.ensurePartitions(databases.em('writer'), revision);

/** An entity manager that records the plan of each statement before it runs the statement. */
function explaining(em: EntityManager, plans: string[]): EntityManager {
  const executeQuery = async (statement: CompiledQuery) => {
    const lines = await query<{ 'QUERY PLAN': string }>(em, `explain ${statement.sql}`, statement.parameters);
    plans.push(lines.map(line => line['QUERY PLAN']).join('\n'));
    return await em.getKysely().executeQuery(statement);
  };
  return { getKysely: () => ({ executeQuery }) } as unknown as EntityManager;
}

const found = async (revision: number): Promise<LogEvent | undefined> =>
  await new EventSearchRepository().findOne(databases.em('reads'), revision);

describe('The log', () => {
  beforeAll(() => appendBatch(databases, [aDraft(), aDraft(), aDraft()]));

  it.each([
    'update service_event set actor = actor where revision = 1',
    'delete from service_event where revision = 3',
    'truncate service_event',
    'truncate service_event cascade',
    'update service_event_p0 set hash = hash',
    'delete from service_event_p0',
    'truncate service_event_p0',
    'truncate service_event_p1',
    'merge into service_event e using (select 1) x on e.revision = 1 when matched then delete',
    `insert into service_event select * from service_event where revision = 1
       on conflict (revision) do update set actor = 'x'`,
  ])('refuses: %s', async statement => {
    await expect(owner.query(statement)).rejects.toMatchObject({
      code: '42501',
      message: expect.stringContaining('append-only') as string,
    });
    expect((await owner.query('select from service_event')).rowCount).toBe(3);
  });

  it('refuses the same in partitions that are created later', async () => {
    await ensurePartitions(5 * PARTITION_SIZE);
    await expect(owner.query('truncate service_event_p5')).rejects.toThrow(/append-only/);
    await expect(owner.query('truncate service_event_p6')).rejects.toThrow(/append-only/);
    const { rows } = await owner.query<{ triggers: number }>(
      `select count(*)::int as triggers from pg_trigger where tgrelid = 'service_event_p5'::regclass`,
    );
    expect(rows[0]?.triggers).toBe(2);
  });

  it('appends nothing when the head is no longer the one that was locked', async () => {
    const stale = databases.em('writer').transactional(async em => {
      const head = await heads.lock(em, 60_000);
      await heads.raiseFence(em);
      await log.append(em, head, [{ ...(await found(3))!, revision: 4 }]);
    });
    await expect(stale).rejects.toThrow(/no longer at revision 3/);
    expect(await found(4)).toBeUndefined();
  });

  it('returns any event as it was appended', async () => {
    const text = fc.option(fc.string({ unit: 'binary' }).map(drawn => drawn.replaceAll('\0', '')));
    const json = fc.constantFrom<unknown>({}, { weight: 1, metadata: { tags: { team: 'checkout' } } });
    const draft: fc.Arbitrary<EventDraft> = fc.record({
      action: fc.constantFrom(...AUDIT_ACTIONS),
      namespace: text,
      service: text,
      instanceId: text,
      instanceUuid: fc.option(fc.uuid()),
      actor: fc.string(),
      clientAddress: text,
      requestId: text,
      source: fc.constantFrom(...CALL_SOURCES),
      reason: text,
      version: fc.option(fc.nat()),
      before: fc.option(json),
      after: json,
    });
    const law = fc.asyncProperty(fc.array(draft, { minLength: 1, maxLength: 10 }), async drafts => {
      const appended = await appendBatch(databases, drafts);
      const found = await log.findAfter(databases.em('reads'), appended[0]!.revision - 1, appended.length);
      expect(found).toEqual(appended);
    });
    await fc.assert(law, { numRuns: 25 });
  });

  it('finds a batch after a revision', async () => {
    const event = (await found(2))!;
    expect(await log.hasBatchAfter(databases.em('reads'), 1, event.batchId)).toBe(true);
    expect(await log.hasBatchAfter(databases.em('reads'), 3, event.batchId)).toBe(false);
  });
});

describe('A page of the log', () => {
  const search = new EventSearchRepository();

  beforeAll(() =>
    appendBatch(
      databases,
      Array.from({ length: 2_000 }, () => aDraft()),
    ),
  );

  it.each<[string, (em: EntityManager) => Promise<unknown>]>([
    ['the next events', em => log.findAfter(em, 10, 5)],
    ['the newest event', em => search.newest(em)],
    ['the newest event before another', em => search.newest(em, 900)],
    ['a page of a list', em => search.step(em, {}, 'desc', { after: 0, before: 1_500 }, 5)],
    ['a page of a list by actor', em => search.step(em, { actor: 'anonymous' }, 'asc', { after: 7, before: 1_500 }, 5)],
  ])('is read in the order of an index, without sorting the rest of the log: %s', async (_what, work) => {
    // Plans depend on statistics, which autovacuum may update at any time.
    await owner.query('analyze service_event');
    const em = databases.em('reads');
    const plans: string[] = [];
    await work(explaining(em, plans));
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      expect(plan).toContain('Index');
      expect(plan).not.toMatch(/Sort|Seq Scan/);
    }
  });
});

describe('The partitions of the log', () => {
  it('are created ahead, once, even by concurrent calls', async () => {
    expect(await partitions()).toEqual(expect.arrayContaining(['service_event_p0', 'service_event_p1']));
    const base = 20 * PARTITION_SIZE;
    const answers = await Promise.all(Array.from({ length: 5 }, (_, index) => ensurePartitions(base + index)));
    expect(answers).toEqual(Array(5).fill(22 * PARTITION_SIZE - 1));
    expect(await partitions()).toEqual(expect.arrayContaining(['service_event_p20', 'service_event_p21']));
    const before = await partitions();
    expect(await ensurePartitions(base)).toBe(22 * PARTITION_SIZE - 1);
    expect(await partitions()).toEqual(before);
  });

  it('can be created while another transaction writes', async () => {
    await databases.em('writer').transactional(async em => {
      const head = await heads.lock(em, 60_000);
      const position = { revision: head.revision + 1, at: head.now, batchId: newId(), previousHash: head.hash };
      await log.append(em, head, [chainEvent(aDraft(), position)]);
      // On another connection, while the event is not committed.
      await owner.query("set lock_timeout = '5s'");
      await owner.query('select ensure_service_event_partitions(30000000)');
    });
    expect(await partitions()).toEqual(expect.arrayContaining(['service_event_p30', 'service_event_p31']));
  });

  it.each([PARTITION_SIZE, EPOCH_JUMP + 7, 2 ** 52])(
    'hold the revisions on both sides of a boundary near %i',
    async near => {
      const boundary = Math.ceil(near / PARTITION_SIZE) * PARTITION_SIZE;
      await ensurePartitions(boundary - 2);
      await setHead(boundary - 3);
      const events = await appendBatch(databases, [aDraft(), aDraft(), aDraft(), aDraft()]);
      expect(events.map(event => event.revision)).toEqual([boundary - 2, boundary - 1, boundary, boundary + 1]);
      for (const event of events) expect(await found(event.revision)).toEqual(event);
      const { rows } = await owner.query<{ name: string }>(
        'select distinct tableoid::regclass::text as name from service_event where revision >= $1',
        [boundary - 2],
      );
      const slot = boundary / PARTITION_SIZE;
      expect(rows.map(row => row.name).sort()).toEqual([`service_event_p${slot - 1}`, `service_event_p${slot}`].sort());
      const search = new EventSearchRepository();
      const filter = { afterRevision: boundary - 3 };
      const page = await new AuditQuery(databases, search, heads).list({ filter, order: 'desc', limit: 10 });
      expect(page.items).toEqual(events.toReversed());
      const verifier = new ChainVerifier(databases, search, log, heads);
      expect(await verifier.verify({ from: boundary - 1 }, new Scheduler().begin({ workClass: 'long' }))).toMatchObject(
        {
          valid: true,
          checked: 3,
        },
      );
    },
  );

  it('refuse a revision without a partition, and leave the log unchanged', async () => {
    const revision = 40 * PARTITION_SIZE;
    await setHead(revision);
    await expect(appendBatch(databases, [aDraft()])).rejects.toMatchObject({ code: '23514' });
    expect((await heads.read(databases.em('reads'))).revision).toBe(revision);
  });
});
