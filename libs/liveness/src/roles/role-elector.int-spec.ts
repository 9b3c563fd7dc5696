import { newId, systemClock } from '@coordination/kernel';
import { NodeRoleRepository } from '@coordination/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aTask } from '../../../../test/support/background-tasks.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { waitFor } from '../../../../test/support/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/writer.js';
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
function elect({ databases }: WritingNode): RoleElector {
  const elector = new RoleElector({
    databases,
    roles: new NodeRoleRepository(),
    clock: systemClock,
    task: aTask('role-election'),
    role: 'sweeper',
    holder: newId(),
    ready: Promise.resolve(),
  });
  electors.push(elector);
  elector.onApplicationBootstrap();
  return elector;
}

const holders = () => electors.filter(({ term }) => term !== undefined);

describe('The role', () => {
  it('is one node’s at a time, and the next one’s at once when that ends', async () => {
    for (const node of nodes) elect(node);
    await waitFor('one has it', () => holders().length === 1);
    const [first] = holders();
    const before = first!.term!;
    await first!.onModuleDestroy();
    expect(first!.term).toBeUndefined();
    await waitFor('another one has it', () => holders().length === 1);
    expect(holders()[0]!.term!.term).toBe(before.term + 1);
    expect(holders()[0]).not.toBe(first);
  });

  it('stays with a node as long as that claims it, in one term', async () => {
    const elector = elect(nodes[0]!);
    await waitFor('it has it', () => elector.term !== undefined);
    const first = elector.term;
    elect(nodes[1]!);
    const from = performance.now();
    await waitFor('it would have ended', () => performance.now() - from > ROLE_LASTS_MS + 500);
    expect(elector.term, 'the very same, so that requests in it are told together').toBe(first);
  });
});
