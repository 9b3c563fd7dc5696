import { type LogEvent, CatalogHeadRepository, ServiceEventRepository } from '@coordination/log';
import { query } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, anOrigin, registerCommand } from '../../../../test/support/catalog/factories.js';
import { type PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { type TestDatabase } from '../../../../test/support/database/test-database.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { createDisturbedDatabase, type DisturbedDatabase } from '../../../../test/support/catalog/written-database.js';
import { CommitSettlement } from './commit-settlement.js';
import { planBatch } from './plan-batch.js';

/** Short, so that what hangs is ended soon; too short for other writes on a machine that stops for seconds. */
const HASTY_MS = unhurried(500);

const COMMIT = /^commit$/i;

let disturbed: DisturbedDatabase;
let database: TestDatabase;
let proxy: PostgresProxy;
let node: WritingNode;
/** Another node, whose connections are sound. */
let other: WritingNode;

beforeEach(async () => {
  disturbed = await createDisturbedDatabase();
  ({ database, proxy, node, other } = disturbed);
  await node.submit(register('before'));
});

afterEach(() => disturbed.close());

/** From now on, the node hangs for a short time only. */
async function hurry(): Promise<void> {
  node = await disturbed.restart({ headHoldLimitMs: HASTY_MS });
}

const register = (instanceId: string) => registerCommand({ identity: anIdentity({ instanceId }) });

/** Submits registrations one by one, and says how each ended: the outcome, or the code of the error. */
const registering = async (...names: readonly string[]): Promise<string[]> =>
  await Promise.all(
    names.map(async name => {
      try {
        return (await node.submit(register(name))).results[0]!.outcome;
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    }),
  );

const namesIn = (events: readonly LogEvent[]) => events.map(event => String(event.instanceId));

/** That the log is sound, has (of the names) exactly these, and that both nodes can go on at once. */
async function expectSoundLogWith(names: readonly string[]): Promise<void> {
  const { events } = await assertCatalogInvariants(database.url);
  expect(
    namesIn(events)
      .filter(name => name !== 'before')
      .toSorted(),
  ).toEqual(names.toSorted());
  const created = { results: [{ outcome: 'created' }] };
  await expect(other.submit(register('after-1'))).resolves.toMatchObject(created);
  // One that is hasty may need several tries on a busy machine.
  await eventually(() => expect(node.submit(register('after-2'))).resolves.toMatchObject(created));
  await assertCatalogInvariants(database.url);
}

/** Ends the server's side of every connection that is writing, as an administrator or a crash does. */
const killWriting = async () => {
  const killed = await query(
    other.databases.em('reads'),
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'platform-coordination writer' and state <> 'idle'`,
  );
  expect(killed, 'one writer was at work').toHaveLength(1);
};

/** Does something while a session that has no limits holds the head. */
async function whileHeadIsHeld<T>(work: () => Promise<T>): Promise<T> {
  return await other.databases.em('reads').transactional(async em => {
    await query(em, 'select from catalog_head for update');
    return await work();
  });
}

describe('A head that is not to be had', () => {
  it('is waited for only so long: nothing happened, and callers hear so', async () => {
    await hurry();
    expect(await whileHeadIsHeld(() => registering('a', 'b'))).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    await expectSoundLogWith([]);
  });
});

describe('A connection that is killed', () => {
  it('while it waits for the head: nothing happened, and callers hear so', async () => {
    const patient = await startWriter(database.url);
    const answer = await whileHeadIsHeld(async () => {
      const submitted = patient.submit(register('a')).catch((error: unknown) => error);
      await waitFor('the writer to wait for the head', async () => {
        const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
        return (await query(other.databases.em('reads'), waiting)).length > 0;
      });
      await killWriting();
      return await submitted;
    });
    expect(answer).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await patient.close();
    await expectSoundLogWith([]);
  });

  it.each([
    ['before the look-up', /with named/, 'before'],
    ['after the look-up', /with named/, 'after'],
    ['after the table was written', /with change/, 'after'],
    ['after the log was written', /with head/, 'after'],
  ] as const)('%s: nothing happened, and callers hear so', async (_, pattern, when) => {
    const trap = proxy.intercept(pattern, when);
    const answers = registering('a', 'b');
    await trap.reached;
    await killWriting();
    trap.resume();
    expect(await answers).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    await expectSoundLogWith([]);
  });

  it('just before the commit gets there: it is settled that nothing happened', async () => {
    const trap = proxy.intercept(COMMIT, 'before');
    const answers = registering('a', 'b');
    await trap.reached;
    await killWriting();
    trap.resume();
    expect(await answers).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    await expectSoundLogWith([]);
  });
});

describe('A connection that is cut during the commit', () => {
  it('before it got there: it is settled that nothing happened', async () => {
    const trap = proxy.intercept(COMMIT, 'before');
    const answers = registering('a', 'b');
    await trap.reached;
    trap.cut();
    expect(await answers).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    await expectSoundLogWith([]);
  });

  it('after it was done: it is settled that it happened, and callers are answered as if nothing had been', async () => {
    const trap = proxy.intercept(COMMIT, 'after');
    const answers = registering('a', 'b');
    await trap.reached;
    trap.cut();
    expect(await answers).toEqual(['created', 'created']);
    await expectSoundLogWith(['a', 'b']);
  });

  it('while another node goes on: what is settled is true all the same', async () => {
    const trap = proxy.intercept(COMMIT, 'after');
    const answers = registering('a');
    await trap.reached;
    await other.submit(register('meanwhile-1'));
    trap.cut();
    await other.submit(register('meanwhile-2'));
    expect(await answers).toEqual(['created']);
    await expectSoundLogWith(['a', 'meanwhile-1', 'meanwhile-2']);
  });

  it('and the server believes that the client is still there: the head is taken from it', async () => {
    await hurry();
    const trap = proxy.intercept(COMMIT, 'before');
    const answers = registering('a');
    await trap.reached;
    trap.cut({ server: false });
    expect(await answers).toEqual(['STORE_UNAVAILABLE']);
    // The commit that was on its way all the time comes too late.
    trap.resume();
    await expectSoundLogWith([]);
  });

  it('again and again, under load: every answer is true', async () => {
    await hurry();
    const answered = new Map<string, string>();
    for (let round = 0; round < 8; round++) {
      const trap = proxy.intercept(COMMIT, round % 2 === 0 ? 'before' : 'after');
      const names = Array.from({ length: 30 }, (_, n) => `load-${round}-${n}`);
      const answers = registering(...names);
      const neighbour = other.submit(register(`neighbour-${round}`));
      await trap.reached;
      trap.cut({ server: round % 4 < 2 });
      for (const [n, outcome] of (await answers).entries()) answered.set(names[n]!, outcome);
      await neighbour;
    }
    const { events } = await assertCatalogInvariants(database.url);
    const logged = new Set(namesIn(events));
    for (const [name, outcome] of answered) {
      expect(['created', 'STORE_UNAVAILABLE']).toContain(outcome);
      expect(logged.has(name), `${name} was answered ${outcome}`).toBe(outcome === 'created');
    }
    expect(answered.size).toBe(240);
  });
});

describe('A network that swallows everything', () => {
  beforeEach(hurry);

  it('at the commit, and comes back: callers are answered as it went', async () => {
    const trap = proxy.intercept(COMMIT, 'after');
    const answers = registering('a');
    await trap.reached;
    trap.resume();
    expect(await answers).toEqual(['created']);
    await expectSoundLogWith(['a']);
  });

  it.each(['before', 'after'] as const)(
    'at the commit for good, %s it was done: the node gives up waiting, and tells the truth',
    async when => {
      const trap = proxy.intercept(COMMIT, when);
      const answers = registering('a', 'b');
      await trap.reached;
      const happened = when === 'after';
      const expected = happened ? 'created' : 'STORE_UNAVAILABLE';
      expect(await answers).toEqual([expected, expected]);
      trap.resume();
      await expectSoundLogWith(happened ? ['a', 'b'] : []);
    },
  );

  it.each(['before', 'after'] as const)(
    'while it is settled what became of the commit (%s it was done): callers hear that it is unknown, in time',
    async when => {
      const trap = proxy.intercept(COMMIT, when);
      const answers = registering('a', 'b');
      await trap.reached;
      proxy.setSilent(true);
      trap.cut();
      expect(await answers).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
      proxy.setSilent(false);
      await expectSoundLogWith(when === 'after' ? ['a', 'b'] : []);
    },
  );
});

describe('A database that is away', () => {
  it('before anything was sent: nothing happened, and writes work again when it is back', async () => {
    await proxy.shut();
    expect(await registering('a', 'b')).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    await proxy.open();
    await expectSoundLogWith([]);
  });

  it('while it is settled what became of a commit: callers hear that it is unknown', async () => {
    const trap = proxy.intercept(COMMIT, 'after');
    const answers = registering('a');
    await trap.reached;
    await proxy.shut();
    expect(await answers).toEqual(['OUTCOME_UNKNOWN']);
    await proxy.open();
    await expectSoundLogWith(['a']);
  });

  it('for a moment while it is settled: it is found out', async () => {
    const trap = proxy.intercept(COMMIT, 'after');
    const answers = registering('a');
    await trap.reached;
    proxy.setRefusing(true);
    await waitFor('the node to try in vain', () => proxy.refusals > 1);
    proxy.setRefusing(false);
    expect(await answers).toEqual(['created']);
    await expectSoundLogWith(['a']);
  });
});

describe('The fence', () => {
  const heads = new CatalogHeadRepository();

  const lockHead = () => other.databases.em('writer').transactional(em => heads.lock(em, HASTY_MS));

  it('makes an append on a head that was locked before it was raised impossible', async () => {
    const head = await lockHead();
    await other.databases.em('writer').transactional(em => heads.raiseFence(em));
    const { events } = planBatch({
      head,
      batchId: newId(),
      requests: [{ commands: [register('late')], origin: anOrigin() }],
      found: [],
      limits: { maxChanges: 1, maxBytes: 1 },
    });
    const late = other.databases
      .em('writer')
      .transactional(em => new ServiceEventRepository().append(em, head, events));
    await expect(late).rejects.toThrow(`no longer at revision ${head.revision}`);
    await expectSoundLogWith([]);
  });

  it('is raised by nobody in peace', async () => {
    const { fence } = await lockHead();
    await Promise.all([node.submit(register('a')), other.submit(register('b'))]);
    expect((await lockHead()).fence).toBe(fence);
  });
});

describe('The settlement of a doubtful batch', () => {
  it('finds what is in the log after the head that it was appended to, and nothing else', async () => {
    await node.submit(register('a'));
    await other.submit(register('b'));
    const { events } = await assertCatalogInvariants(database.url);
    const [, a, b] = events;
    const settlement = new CommitSettlement(node.databases, new CatalogHeadRepository(), new ServiceEventRepository(), {
      maxBatchChanges: 1,
      maxQueuedCommands: 1,
      headHoldLimitMs: HASTY_MS,
    });
    expect(await settlement.wasCommitted(a!.batchId, a!.revision - 1)).toBe(true);
    expect(await settlement.wasCommitted(b!.batchId, a!.revision)).toBe(true);
    expect(await settlement.wasCommitted(newId(), 0)).toBe(false);
    await assertCatalogInvariants(database.url);
  });
});
