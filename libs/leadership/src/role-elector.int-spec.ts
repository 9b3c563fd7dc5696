import { query } from '@coordination/database';
import { type Clock, systemClock } from '@coordination/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeRoleRepository } from './node-role.repository.js';
import { OPEN_SCHEMA, someTasks, TestClock } from '../../../test/support/nodes/background-tasks.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database/test-database.js';
import { waitFor } from '../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../test/support/catalog/writer.js';
import { ROLE_LASTS_MS, RoleElector } from './role-elector.job.js';

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
    const first = elector.term;
    elect(nodes[1]!);
    const from = performance.now();
    await waitFor('an unrenewed claim would have ended', () => performance.now() - from > ROLE_LASTS_MS + 500);
    expect(elector.term, 'the same object, so that the writer can batch requests in it').toBe(first);
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
