import { query } from '@coordination/database';
import { type Clock, systemClock } from '@coordination/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StallRecord } from '@coordination/scheduling';
import { type ClaimedStall, NodeRoleRepository } from './node-role.repository.js';
import { type RecordedStall } from './recorded-stall.js';
import { OPEN_SCHEMA, someTasks, TestClock } from '../../../test/support/nodes/background-tasks.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database/test-database.js';
import { eventually } from '../../../test/support/time/eventually.js';
import { waitFor } from '../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../test/support/catalog/writer.js';
import { AWAY_AFTER_MS, ROLE_LASTS_MS, RoleElector } from './role-elector.job.js';

let database: TestDatabase;
let nodes: WritingNode[];
let electors: RoleElector[];

beforeEach(async () => {
  database = await createTestDatabase();
  nodes = [await startWriter(database.url), await startWriter(database.url), await startWriter(database.url)];
  electors = [];
});

afterEach(async () => {
  for (const elector of electors) await elector.onModuleDestroy();
  for (const node of nodes) await node.close();
  await database.drop();
});

/** Starts to claim on a node. */
function elect({ databases }: WritingNode, clock: Clock = systemClock): RoleElector {
  const elector = new RoleElector(databases, new NodeRoleRepository(), clock, someTasks(), OPEN_SCHEMA, 'sweeper');
  electors.push(elector);
  elector.onApplicationBootstrap();
  return elector;
}

const holders = () => electors.filter(({ term }) => term !== undefined);

describe('The role', () => {
  it('is held by one node at a time, and by another as soon as that one ends', async () => {
    for (const node of nodes) elect(node);
    await waitFor('one holds it', () => holders().length === 1);
    const [first] = holders();
    const before = first!.term!;
    await first!.onModuleDestroy();
    expect(first!.term).toBeUndefined();
    await waitFor('another one holds it', () => holders().length === 1);
    expect(holders()[0]!.term!.term).toBe(before.term + 1);
    expect(holders()[0]).not.toBe(first);
  });

  it('stays with a node as long as it claims it, in one term', async () => {
    const elector = elect(nodes[0]!);
    await waitFor('it holds it', () => elector.term !== undefined);
    const other = elect(nodes[1]!);
    // A claim that comes too late, because this process was stopped or the machine had no time for it, loses the role rightly.
    await eventually(async () => {
      await waitFor('one holds it', () => holders().length === 1);
      const [holder] = holders();
      const first = holder!.term;
      const until = performance.now() + ROLE_LASTS_MS + 500;
      await waitFor('an unrenewed claim would have ended', () => performance.now() > until);
      expect(holder!.term, 'the same object, so that the writer can batch requests in it').toBe(first);
      expect((holder === elector ? other : elector).term).toBeUndefined();
    });
  });

  it('shows every node when its holder last worked, independent of the clock of the database', async () => {
    const clock = new TestClock();
    const [first, second] = [elect(nodes[0]!, clock), elect(nodes[1]!, clock)];
    const ages = () => [first.workedSecondsAgo, second.workedSecondsAgo];
    expect(ages()).toEqual([undefined, undefined]);
    await waitFor('one holds it, and both know', () => holders().length === 1 && !ages().includes(undefined));
    clock.pass(40_000);
    expect(ages(), 'no node has worked since').toEqual([40, 40]);
    await waitFor('one holds it again', () => holders().length === 1);
    const { term } = holders()[0]!;
    const em = nodes[2]!.databases.em('liveness');
    await new NodeRoleRepository().noteWork(em, term!);
    await waitFor('both know', () => ages().every(age => age === 0));
    // By the clock of the database it worked an hour from now; that must not count for an hour.
    await query(em, `update node_role set worked_at = now() + interval '1 hour'`);
    clock.pass(10_000);
    await waitFor('both have seen that', () => ages().every(age => age === 0));
    clock.pass(50_000);
    expect(ages()).toEqual([50, 50]);
  });
});

const em = () => nodes[0]!.databases.em('liveness');

const stallOf = (stalledMs: number, differing: Partial<ClaimedStall> = {}): ClaimedStall => ({
  term: 1,
  sinceMs: stalledMs + 1_000,
  stalledMs,
  isWhy: true,
  ...differing,
});

/** Lets time pass since the last claim. */
const pass = (seconds: number) =>
  query(
    em(),
    `update node_role set witnessed_at = witnessed_at - make_interval(secs => $1),
       expires_at = expires_at - make_interval(secs => $1), back_since = back_since - make_interval(secs => $1)`,
    [seconds],
  );

describe('A node that was stalled', () => {
  const roles = new NodeRoleRepository();
  /** Claims last so long (ms) that none ends because the test is slow, and time passes for them by {@link pass} only. */
  const LASTS_MS = 60_000;
  const claim = (holder: string, stall?: ClaimedStall) =>
    roles.claim(em(), { role: 'sweeper', holder, lastsMs: LASTS_MS, awayAfterMs: AWAY_AFTER_MS, stall });
  const found = async () => (await roles.find(em(), 'sweeper'))!;

  it('has its stall recorded with the claim that takes the role again, and that was no outage', async () => {
    await claim('a');
    await pass(100);
    const { backSince } = await found();
    const { term } = await claim('a', stallOf(120_000));
    expect(term).toMatchObject({ holder: 'a', term: 2 });
    const role = await found();
    expect(role.backSince).toBe(backSince);
    expect(role.stalls).toHaveLength(1);
    const [{ from, until, ms }] = role.stalls as [RecordedStall];
    expect([ms, Date.parse(until) - Date.parse(from)]).toEqual([120_000, 121_000]);
    expect(until <= role.now).toBe(true);
  });

  it('has a stall recorded that cost it nothing', async () => {
    await claim('a');
    await claim('a', stallOf(700));
    await claim('a');
    expect((await found()).stalls).toMatchObject([{ ms: 700 }]);
  });

  it('does not hide an outage: what the stall does not explain counts, and a claim that failed as well', async () => {
    await claim('a');
    await pass(21);
    const first = (await found()).backSince;
    await claim('a', stallOf(16_000));
    const second = (await found()).backSince;
    expect(second > first, '5 s without a claim and without a stall').toBe(true);
    await pass(21);
    await claim('a', stallOf(20_000, { term: 2, isWhy: false }));
    expect((await found()).backSince > second).toBe(true);
  });

  it('has no stall recorded where another one took the role, or holds it', async () => {
    await claim('a');
    await pass(100);
    expect((await claim('b')).term).toMatchObject({ holder: 'b', term: 2 });
    await claim('a', stallOf(10_000));
    await pass(100);
    expect((await claim('a', stallOf(10_000))).term, 'it takes it back').toMatchObject({ holder: 'a', term: 3 });
    expect((await found()).stalls).toEqual([]);
    await claim('b', stallOf(2_000, { term: 3 }));
    expect((await found()).stalls, 'b was stalled while a held the role').toEqual([]);
  });

  it('has its stall recorded where the holder died before, so that no node could answer', async () => {
    await claim('a');
    await claim('b');
    await pass(100);
    expect((await claim('b', stallOf(99_000))).term).toMatchObject({ holder: 'b', term: 2 });
    expect((await found()).stalls).toMatchObject([{ ms: 99_000 }]);
  });

  it('fills the row with no more than the last stalls, and with none of the future', async () => {
    await claim('a');
    for (let n = 1; n <= 40; n++) await claim('a', stallOf(100 + n));
    const { stalls } = await found();
    expect(stalls).toHaveLength(32);
    expect(stalls.map(({ ms }) => ms).toSorted((a, b) => a - b)).toContain(140);
    expect(stalls.map(({ until }) => until)).toEqual(stalls.map(({ until }) => until).toSorted());
    await query(
      em(),
      `update node_role set stalls = jsonb_build_array(jsonb_build_object('from', '2999-01-01T00:00:00.000Z',
         'until', '2999-01-01T00:00:01.000Z', 'ms', 500))`,
    );
    await claim('a', stallOf(300));
    expect((await found()).stalls).toMatchObject([{ ms: 300 }]);
  });

  it('claims before it acts, and knows of no term while its claim has run out', async () => {
    let stalledMs = 0;
    const stalls: StallRecord = { stalledMsSince: () => stalledMs };
    const databases = Object.create(nodes[0]!.databases, { stalls: { value: stalls } }) as WritingNode['databases'];
    const clock = new TestClock();
    const elector = elect({ ...nodes[0]!, databases }, clock);
    await waitFor('it holds the role', () => elector.term !== undefined);
    const { holder } = elector.term!;
    expect(await elector.confirm()).toMatchObject({ holder });
    expect((await found()).stalls, 'without a stall nothing is claimed').toEqual([]);
    clock.pass(2_500);
    stalledMs = 2_500;
    expect(elector.unrecordedStallMs).toBe(2_500);
    // In the same term, or in the next one if the machine was so slow that this one has ended.
    expect(await elector.confirm()).toMatchObject({ holder });
    expect((await found()).stalls.at(-1)).toMatchObject({ ms: 2_500 });
    clock.pass(ROLE_LASTS_MS);
    expect(elector.term).toBeUndefined();
  });
});
