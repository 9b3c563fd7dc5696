import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOG_ENTITIES } from '@coordination/log';
import { Databases } from '@coordination/database';
import { newId, StoreUnavailableError } from '@coordination/kernel';
import { OPEN_SCHEMA, someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { REGISTRY_ENTITIES } from '../index.js';
import { InstanceLeaseRepository } from './instance-lease.repository.js';
import { LeaseRenewals } from './lease-renewals.js';

/** By when signs must be noted; they are flushed ten times within it. */
const BOUND_MS = 500;
/** So long that nothing is flushed by itself within a test. */
const NEVER_MS = 60_000;
const RENEWAL = /update instance_lease/;

let database: TestDatabase;
let writer: WritingNode;
let proxy: PostgresProxy;
let databases: Databases;
let client: Client;
/** The monotonic clock (ms) of the renewals, which only tests move. */
let time = 1_000;
/** The stalls of the process, by that clock. */
let stallsBegan: { readonly at: number; readonly ms: number }[] = [];
const stalls = {
  stalledMsSince: (since: number) =>
    stallsBegan.reduce((sum, { at, ms }) => sum + Math.max(0, at + ms - Math.max(at, since)), 0),
};

/** The process runs nothing for so long (ms). */
function stall(ms: number): void {
  stallsBegan.push({ at: time, ms });
  time += ms;
}
let opened: LeaseRenewals[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  writer = await startWriter(database.url);
  proxy = await PostgresProxy.start(database.url);
  const entities = [...LOG_ENTITIES, ...REGISTRY_ENTITIES];
  databases = await Databases.open({ url: proxy.url, ssl: 'off', poolMax: 2, entities }, stalls);
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await databases.close();
  await proxy.shut();
  await writer.close();
  await database.drop();
});

beforeEach(() => {
  stallsBegan = [];
  opened = [];
});
afterEach(async () => {
  for (const renewals of opened) await renewals.close();
  // Of a test that failed half-way.
  await client.query('rollback');
});

function collect(boundMs: number): LeaseRenewals {
  const clock = { monotonicMs: () => time, now: () => new Date() };
  const leases = new InstanceLeaseRepository();
  const renewals = new LeaseRenewals(databases, leases, clock, someTasks(), OPEN_SCHEMA, boundMs);
  opened.push(renewals);
  return renewals;
}

/** Registers instances whose leases were last renewed a minute ago. */
async function registered(count = 1): Promise<string[]> {
  const commands = Array.from({ length: count }, () =>
    registerCommand({ identity: anIdentity({ instanceId: newId() }) }),
  );
  const { results } = await writer.submit(...commands);
  const ids = results.map(({ leased }) => leased!.instance.id);
  await client.query(`update instance_lease set renewed_at = now() - interval '60 s' where instance_id = any($1)`, [
    ids,
  ]);
  return ids;
}

/** How long ago (ms) each lease was renewed and checked, by the clock of the database. */
async function agesOf(ids: readonly string[]): Promise<{ renewed: number; checked: number | null }[]> {
  const { rows } = await client.query<{ renewed: number; checked: number | null }>(
    `select extract(epoch from clock_timestamp() - renewed_at)::float8 * 1000 as renewed,
            extract(epoch from clock_timestamp() - checked_at)::float8 * 1000 as checked
     from unnest($1::uuid[]) with ordinality as asked (id, n) join instance_lease on instance_id = asked.id order by n`,
    [ids],
  );
  return rows;
}

const ageOf = async (id: string): Promise<number> => (await agesOf([id]))[0]!.renewed;
const isNoted = async (id: string): Promise<boolean> => (await ageOf(id)) < 50_000;

/** How many statements for renewals were sent. */
const tries = (): number => proxy.statements.filter(text => RENEWAL.test(text)).length;

describe('what is noted', () => {
  it('is the time of the sign and not that of the flush', async () => {
    const [id = ''] = await registered();
    const renewals = collect(NEVER_MS);
    renewals.renew(id);
    time += 20_000;
    await renewals.close();
    const age = await ageOf(id);
    expect(age).toBeGreaterThanOrEqual(20_000 - 1);
    expect(age).toBeLessThan(40_000);
  });

  it('is when the sign was given, if that was long before it came here, and nothing older than another sign', async () => {
    const [late = '', both = ''] = await registered(2);
    await client.query(`update instance_lease set renewed_at = now() - interval '1 hour'`);
    const renewals = collect(NEVER_MS);
    renewals.renew(late, { ageMs: 600_000, reported: true });
    renewals.renew(both);
    renewals.renew(both, { ageMs: 600_000 });
    // An old sign does not make the node look late: it came just now.
    expect(() => renewals.renew(both)).not.toThrow();
    await renewals.close();
    const [first, second] = await agesOf([late, both]);
    expect(first!.renewed).toBeGreaterThanOrEqual(600_000 - 1);
    expect(first!.renewed).toBeLessThan(660_000);
    expect(second!.renewed).toBeLessThan(60_000);
  });

  it('is the newest sign of several', async () => {
    const [id = ''] = await registered();
    const renewals = collect(NEVER_MS);
    renewals.renew(id);
    time += 20_000;
    renewals.renew(id);
    await renewals.close();
    expect(await ageOf(id)).toBeLessThan(20_000);
  });

  it('never takes a lease back', async () => {
    const [id = ''] = await registered();
    await client.query('update instance_lease set renewed_at = now() where instance_id = $1', [id]);
    const renewals = collect(NEVER_MS);
    renewals.renew(id, { reported: true });
    time += 20_000;
    await renewals.close();
    const [age] = await agesOf([id]);
    expect(age!.renewed).toBeLessThan(20_000);
    expect(age!.checked).toBeGreaterThanOrEqual(20_000 - 1);
  });

  it('says when health was looked at only where one of the signs was a report', async () => {
    const [reported = '', renewed = ''] = await registered(2);
    const renewals = collect(NEVER_MS);
    renewals.renew(reported, { reported: true });
    renewals.renew(reported);
    renewals.renew(renewed);
    await renewals.close();
    const [first, second] = await agesOf([reported, renewed]);
    expect(first!.checked).toBeLessThan(20_000);
    expect(second).toMatchObject({ checked: null });
  });

  it('comes by itself, and costs one statement for thousands', async () => {
    const ids = await registered(3_000);
    const renewals = collect(BOUND_MS);
    const before = tries();
    for (const id of ids) renewals.renew(id);
    expect(renewals.backlog).toBe(3_000);
    await waitFor('all is noted', () => renewals.backlog === 0);
    expect(tries() - before).toBe(1);
    expect((await agesOf(ids)).every(({ renewed }) => renewed < 50_000)).toBe(true);
  });

  it('is all that was taken, also what came while a flush was under way', async () => {
    const [first = '', second = ''] = await registered(2);
    const renewals = collect(BOUND_MS);
    const flush = proxy.intercept(RENEWAL, 'after');
    renewals.renew(first);
    await flush.reached;
    await client.query(`update instance_lease set renewed_at = now() - interval '60 s' where instance_id = $1`, [
      first,
    ]);
    time += 1;
    renewals.renew(first);
    renewals.renew(second);
    flush.resume();
    await waitFor('the second flush', () => renewals.backlog === 0);
    expect(await isNoted(first)).toBe(true);
    expect(await isNoted(second)).toBe(true);
  });
});

describe('a lease that a writing transaction holds', () => {
  it('is passed over, keeps nobody waiting, and is noted when it is free', async () => {
    const [held = '', free = ''] = await registered(2);
    await client.query('begin');
    await client.query('select from instance_lease where instance_id = $1 for update', [held]);
    const renewals = collect(BOUND_MS);
    renewals.renew(held);
    renewals.renew(free);
    await waitFor('the free one is noted', () => renewals.backlog === 1);
    expect(await isNoted(free)).toBe(true);
    expect(renewals.isGone(held)).toBe(false);
    for (let n = 0; n < 5; n++) {
      // However long it takes, the database answers: nobody is refused for it.
      const before = tries();
      time += BOUND_MS;
      await waitFor('one more try', () => tries() > before + 1);
      renewals.renew(held);
      renewals.renew(free);
    }
    await client.query('commit');
    await waitFor('all is noted', () => renewals.backlog === 0);
    expect(await isNoted(held)).toBe(true);
  });
});

describe('a lease that is not there', () => {
  it('is known as gone from then on', async () => {
    const [present = ''] = await registered();
    const absent = newId();
    const renewals = collect(BOUND_MS);
    renewals.renew(absent);
    renewals.renew(present);
    expect(renewals.isGone(absent)).toBe(false);
    await waitFor('the flush', () => renewals.backlog === 0);
    expect(renewals.isGone(absent)).toBe(true);
    expect(renewals.isGone(present)).toBe(false);
  });
});

const isTaken = (renewals: LeaseRenewals, id: string): boolean => {
  try {
    renewals.renew(id);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(StoreUnavailableError);
    return false;
  }
};

/** Registers an instance, and so many processes after the first. */
async function follow(times: number): Promise<string> {
  const identity = anIdentity({ instanceId: newId() });
  let id = '';
  for (let n = 0; n <= times; n++) {
    const { results } = await writer.submit(registerCommand({ identity, incarnation: `boot-${n}` }));
    id = results[0]!.leased!.instance.id;
  }
  await client.query(
    `update instance_lease set renewed_at = now() - interval '60 s', checked_at = null where instance_id = $1`,
    [id],
  );
  return id;
}

describe('signs for an incarnation', () => {
  it('count as long as it runs, and not once the next one has begun, which they leave untouched', async () => {
    const id = await follow(2);
    for (const incarnationNumber of [1, 2]) {
      const renewals = collect(NEVER_MS);
      renewals.renew(id, { incarnationNumber, reported: true });
      await renewals.close();
      expect([renewals.backlog, renewals.isGone(id)], 'it was noted that it does not count').toEqual([0, false]);
      const [{ renewed, checked } = { renewed: 0, checked: 0 }] = await agesOf([id]);
      expect(renewed).toBeGreaterThan(50_000);
      expect(checked).toBeNull();
    }
    const renewals = collect(NEVER_MS);
    renewals.renew(id, { incarnationNumber: 3, reported: true });
    await renewals.close();
    const [{ renewed, checked } = { renewed: Infinity, checked: null }] = await agesOf([id]);
    expect(renewed).toBeLessThan(50_000);
    expect(checked).not.toBeNull();
  });

  it.each([
    ['an old one and then the current one', [1, 2], true],
    ['the current one and then an old one', [2, 1], true],
    ['two old ones', [1, 1], false],
    ['one for whichever runs, and an old one', [undefined, 1], true],
    ['an old one, and one for whichever runs', [1, undefined], true],
  ])('that wait together, %s, count as each would', async (_, numbers, counts) => {
    const id = await follow(1);
    const renewals = collect(NEVER_MS);
    for (const incarnationNumber of numbers) renewals.renew(id, { incarnationNumber });
    await renewals.close();
    expect(await isNoted(id)).toBe(counts);
  });

  it('are told apart among many', async () => {
    const ids = await Promise.all([follow(0), follow(1), follow(2)]);
    const renewals = collect(NEVER_MS);
    for (const id of ids) renewals.renew(id, { incarnationNumber: 2 });
    await renewals.close();
    expect(await Promise.all(ids.map(isNoted))).toEqual([false, true, false]);
  });
});

describe('signs that cannot be noted in time', () => {
  it.each([
    ['refuses connections', () => proxy.shut(), () => proxy.open()],
    ['says nothing', async () => proxy.setSilent(true), async () => proxy.setSilent(false)],
  ])('are dropped, and none are taken any more while the database %s', async (_, goAway, comeBack) => {
    const [id = ''] = await registered();
    const renewals = collect(BOUND_MS);
    await goAway();
    try {
      renewals.renew(id);
      time += BOUND_MS / 2;
      renewals.renew(id);
      time += 1;
      expect(() => renewals.renew(id)).toThrow(StoreUnavailableError);
      expect(renewals.backlog).toBe(0);
      for (let n = 0; n < 20; n++) {
        expect(isTaken(renewals, id)).toBe(false);
        time += BOUND_MS;
      }
    } finally {
      await comeBack();
    }
    await waitFor('signs are taken again', () => isTaken(renewals, id));
    await waitFor('and noted', () => renewals.backlog === 0);
    expect(await isNoted(id)).toBe(true);
  });
});

describe('signs that were accepted before this process was stalled', () => {
  it('are noted after the stall, with the time at which they came, and others are accepted at once', async () => {
    const [before = '', after = ''] = await registered(2);
    // Nothing is flushed by itself, so the sign is still there when the process wakes.
    const renewals = collect(NEVER_MS);
    renewals.renew(before);
    stall(45_000);
    renewals.renew(after);
    expect(renewals.backlog, 'none was dropped').toBe(2);
    await renewals.close();
    const [first, second] = await agesOf([before, after]);
    expect(first!.renewed).toBeGreaterThanOrEqual(45_000 - 1);
    expect(first!.renewed, 'the age of the sign and not that of the lease').toBeLessThan(60_000);
    expect(second!.renewed).toBeLessThan(45_000);
  });

  it('are dropped all the same when the database is away for as long without the stalls', async () => {
    const [id = ''] = await registered();
    const renewals = collect(BOUND_MS);
    await proxy.shut();
    try {
      renewals.renew(id);
      for (let n = 0; n < 4; n++) {
        expect(isTaken(renewals, id), `${n} parts of the time awake`).toBe(true);
        stall(10 * BOUND_MS);
        time += BOUND_MS / 8;
      }
      time += 1;
      expect(isTaken(renewals, id)).toBe(false);
    } finally {
      await proxy.open();
    }
    await waitFor('signs are taken again', () => isTaken(renewals, id));
    await waitFor('and noted', () => renewals.backlog === 0);
  });
});

describe('the end', () => {
  it('notes what is left, and takes nothing afterwards', async () => {
    const [id = ''] = await registered();
    const renewals = collect(NEVER_MS);
    renewals.renew(id);
    await renewals.close();
    expect(renewals.backlog).toBe(0);
    expect(await isNoted(id)).toBe(true);
    expect(() => renewals.renew(id)).toThrow(StoreUnavailableError);
  });

  it('notes also more than one statement carries', async () => {
    const ids = Array.from({ length: 10_005 }, () => newId());
    const renewals = collect(NEVER_MS);
    for (const id of ids) renewals.renew(id);
    await renewals.close();
    expect(renewals.backlog).toBe(0);
    expect(ids.every(id => renewals.isGone(id))).toBe(true);
  });

  it('comes also when the database is away', async () => {
    const renewals = collect(BOUND_MS);
    await proxy.shut();
    try {
      renewals.renew(newId());
      await renewals.close();
    } finally {
      await proxy.open();
    }
  });
});
