import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, anOrigin, aRepeatableCall, registerCommand } from '../../../../test/support/catalog/factories.js';
import { type PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { createDisturbedDatabase, type DisturbedDatabase } from '../../../../test/support/catalog/written-database.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { type Command } from '../domain/commands.js';

/** Short, so that what hangs is ended soon; too short for other writes on a machine that stops for seconds. */
const HASTY_MS = unhurried(500);
const COMMIT = /^commit$/i;

let disturbed: DisturbedDatabase;
let database: TestDatabase;
let proxy: PostgresProxy;
let node: WritingNode;
/** Another node, whose connections are sound. */
let other: WritingNode;
let report: Command;

beforeEach(async () => {
  disturbed = await createDisturbedDatabase();
  ({ database, proxy, node, other } = disturbed);
  const { results } = await node.submit(registerCommand());
  const target = { id: results[0]!.leased!.instance.id };
  report = { kind: 'report-health', target, report: { healthy: false, output: 'slow' } };
});

afterEach(() => disturbed.close());

const stranger: Command = { kind: 'deregister', target: { identity: anIdentity({ instanceId: 'nobody' }) } };

/** Submits a request under a key, and says how it ended. */
async function ending(by: WritingNode, command = report): Promise<string> {
  try {
    const origin = anOrigin({ repeatable: aRepeatableCall('k') });
    const { results, repeatsAfterMs } = await by.writer.submit({ commands: [command], origin });
    return `${results[0]!.outcome} ${results[0]!.leased!.instance.version}${repeatsAfterMs === undefined ? '' : ' again'}`;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** That there was one registration and one report. */
async function expectOneEffect(): Promise<void> {
  const { events } = await assertCatalogInvariants(database.url);
  expect(events.map(({ action }) => action)).toEqual(['instance.registered', 'instance.health_changed']);
}

describe('A request that is sent again because its connection to the database broke', () => {
  it.each([
    ['when the keys were looked up', /select distinct on/, 'after'],
    ['when the answer was written', /insert into idempotency_key/, 'after'],
    ['when the log was written', /with head/, 'after'],
    ['before the commit got there', COMMIT, 'before'],
  ] as const)('%s: it is carried out then, once', async (_, pattern, when) => {
    const trap = proxy.intercept(pattern, when);
    const first = ending(node);
    await trap.reached;
    trap.cut();
    expect(await first).toBe('STORE_UNAVAILABLE');
    expect([await ending(other), await ending(node)]).toEqual(['updated 2', 'updated 2 again']);
    await expectOneEffect();
  });

  it('after the commit was done: its answer was the first, and comes again', async () => {
    const trap = proxy.intercept(COMMIT, 'after');
    const first = ending(node);
    await trap.reached;
    trap.cut();
    expect(await first).toBe('updated 2');
    expect([await ending(other), await ending(node)]).toEqual(['updated 2 again', 'updated 2 again']);
    await expectOneEffect();
  });

  it.each([
    ['before', 'updated 2'],
    ['after', 'updated 2 again'],
  ] as const)('%s the commit, of which nobody heard any more: the repetition finds the truth', async (when, truth) => {
    const trap = proxy.intercept(COMMIT, when);
    const first = ending(node);
    await trap.reached;
    proxy.setSilent(true);
    trap.cut();
    expect(await first).toBe('OUTCOME_UNKNOWN');
    expect(await ending(other)).toBe(truth);
    proxy.setSilent(false);
    expect(await ending(node)).toBe('updated 2 again');
    await expectOneEffect();
  });

  it('while it is still doubtful: the repetition through another node waits for the truth', async () => {
    const hasty = await startWriter(proxy.url, { headHoldLimitMs: HASTY_MS });
    const trap = proxy.intercept(COMMIT, 'before');
    const first = ending(hasty);
    await trap.reached;
    const meanwhile = ending(other);
    trap.cut({ server: false });
    // The server ends the silent transaction, which gives the head to the other node.
    expect(await meanwhile).toBe('updated 2');
    expect(await first).toBe('STORE_UNAVAILABLE');
    trap.resume();
    await hasty.close();
    expect(await ending(node)).toBe('updated 2 again');
    await expectOneEffect();
  });

  it.each(['before', 'after'] as const)(
    '%s the commit of a rejection: nothing happened, and it comes (again)',
    async when => {
      const trap = proxy.intercept(COMMIT, when);
      const first = ending(node, stranger);
      await trap.reached;
      trap.cut();
      expect(await first).toBe('STORE_UNAVAILABLE');
      await other.submit(registerCommand({ identity: anIdentity({ instanceId: 'nobody' }) }));
      // Judged only now if the first judgement was not committed.
      expect(await ending(other, stranger)).toBe(when === 'after' ? 'INSTANCE_NOT_FOUND' : 'deregistered 1');
      await assertCatalogInvariants(database.url);
    },
  );
});
