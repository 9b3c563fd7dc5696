import { CatalogHeadRepository, ServiceEventRepository } from '@coordination/log';
import { EPOCH_JUMP, type EpochStarted } from '@coordination/log/testing';
import { query } from '@coordination/database';
import { HistoryUnsettledError, systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { NO_STALLS } from '@coordination/scheduling';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackedUpDatabase } from '../../../../test/support/database/backed-up-database.js';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { ConfirmationWait } from './confirmation-wait.js';
import { EpochManager } from './epoch-manager.js';

const NEVER_MS = 600_000;

/** A node that writes, and settles its history when it is told to. */
interface KeepingNode extends WritingNode {
  readonly epochs: EpochManager;
  readonly confirmation: ConfirmationWait;
  readonly said: readonly string[];
}

let database: BackedUpDatabase;
let nodes: KeepingNode[];
let count: number;

async function start(confirmMs = NEVER_MS): Promise<KeepingNode> {
  const node = await startWriter(database.url);
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const logger = { log: say, warn: say, error: say };
  const [heads, events] = [new CatalogHeadRepository(), new ServiceEventRepository()];
  const epochs = new EpochManager(node.databases, heads, events, node.history, logger);
  const confirmation = new ConfirmationWait(epochs, systemClock, { confirmMs }, new Metrics(), NO_STALLS, logger);
  const keeping = { ...node, epochs, confirmation, said };
  nodes.push(keeping);
  return keeping;
}

/** Registers new instances, one after the other. @returns the last revision */
async function write(node: KeepingNode, times = 1): Promise<number> {
  let revision = 0;
  for (let n = 0; n < times; n++) {
    const command = registerCommand({ identity: anIdentity({ instanceId: `i-${++count}` }) });
    ({ revision } = await node.submit(command));
  }
  return revision;
}

const refused = async (node: KeepingNode) => {
  const before = await assertCatalogInvariants(database.url);
  await expect(write(node)).rejects.toThrow(HistoryUnsettledError);
  const after = await assertCatalogInvariants(database.url);
  expect(after.head, 'something was written under the old epoch').toEqual(before.head);
};

const epochEvents = async () =>
  (await assertCatalogInvariants(database.url)).events.filter(({ action }) => action === 'catalog.epoch_started');

const setHead = async (node: KeepingNode, assignment: string) =>
  await query(node.databases.em('writer'), `update catalog_head set ${assignment}`);

/** As if the head had last been written on the server before a promotion. */
const promote = async (node: KeepingNode) => await setHead(node, 'timeline = timeline + 7');

beforeEach(async () => {
  database = await BackedUpDatabase.create();
  nodes = [];
  count = 0;
});

afterEach(async () => {
  for (const node of nodes) await node.close();
  await database.drop();
});

describe('a restored backup', () => {
  it('is not written to by a node that knows later commits, until a new epoch has begun above all of them', async () => {
    const node = await start();
    await write(node, 3);
    await database.backUp();
    await write(node, 2);
    const { head } = await assertCatalogInvariants(database.url);
    await database.restore();
    await refused(node);
    expect(await node.epochs.settle()).toBe('begun');
    const revision = await write(node);
    expect(revision).toBe(3 + EPOCH_JUMP + 1);
    const facts = await assertCatalogInvariants(database.url);
    const [begun, ...more] = facts.events.filter(({ action }) => action === 'catalog.epoch_started');
    expect(more).toEqual([]);
    expect(begun!.after as EpochStarted).toEqual({
      epoch: facts.head.epoch,
      previousEpoch: head.epoch,
      previousRevision: 3,
      reason: 'log-shorter',
      lastKnownRevision: 5,
    });
    expect(node.said.join('\n')).toContain('A new epoch of the catalog has begun');
    expect(await node.epochs.settle()).toBe('continued');
  });

  it('is noticed also when others have written past what was lost', async () => {
    const knowing = await start();
    await write(knowing, 3);
    await database.backUp();
    await write(knowing, 2);
    await database.restore();
    const ignorant = await start();
    expect(await write(ignorant, 4)).toBe(7);
    await refused(knowing);
    expect(await knowing.epochs.settle()).toBe('begun');
    expect((await epochEvents())[0]!.after).toMatchObject({ previousRevision: 7, reason: 'event-differs' });
    await write(ignorant);
    await write(knowing);
    expect(await epochEvents()).toHaveLength(1);
  });

  it('is noticed also when it is as long as what was lost', async () => {
    const knowing = await start();
    await write(knowing, 3);
    await database.backUp();
    await write(knowing, 2);
    await database.restore();
    await write(await start(), 2);
    await refused(knowing);
    expect(await knowing.epochs.settle()).toBe('begun');
    expect((await epochEvents())[0]!.after).toMatchObject({ previousRevision: 5, reason: 'event-differs' });
  });

  it('begins one epoch, however many nodes notice at once', async () => {
    const all = [await start(), await start(), await start(), await start()];
    await write(all[0]!, 2);
    await database.backUp();
    for (const node of all) await write(node, 1);
    await database.restore();
    const settled = await Promise.all(all.map(node => node.epochs.settle()));
    expect(settled.toSorted()).toEqual(['begun', 'superseded', 'superseded', 'superseded']);
    await Promise.all(all.map(node => write(node, 3)));
    expect(await epochEvents()).toHaveLength(1);
  });

  it('that was restored before still gets revisions above all that were ever seen', async () => {
    const node = await start();
    await write(node, 3);
    await database.backUp();
    await write(node, 2);
    let highest = 5;
    for (let times = 1; times <= 3; times++) {
      await database.restore();
      expect(await node.epochs.settle()).toBe('begun');
      const next = await write(node, 2);
      expect(next).toBe(3 + times * EPOCH_JUMP + 2);
      expect(next).toBeGreaterThan(highest);
      highest = next;
    }
    expect(await epochEvents()).toHaveLength(1);
  });

  it('raises the revision of every service, those without instances among them', async () => {
    const node = await start();
    await write(node, 2);
    const gone = registerCommand({ identity: anIdentity({ service: 'gone' }) });
    await node.submit(gone);
    await node.submit({ kind: 'deregister', target: { identity: gone.identity }, ifMatch: undefined });
    await database.backUp();
    await write(node);
    await database.restore();
    await node.epochs.settle();
    const rows = await query<{ service: string; revision: number }>(
      node.databases.em('reads'),
      'select service, revision::float8 as revision from service_revision order by service',
    );
    const revision = 4 + EPOCH_JUMP;
    expect(rows).toEqual([
      { service: 'gone', revision },
      { service: 'orders', revision },
    ]);
    await assertCatalogInvariants(database.url);
  });
});

describe('another server', () => {
  it('that has everything is written to as if nothing had happened, and noted in the head', async () => {
    const node = await start();
    await write(node, 2);
    await promote(node);
    expect(await write(node)).toBe(3);
    await promote(node);
    expect(await node.epochs.settle()).toBe('moved');
    expect(await node.epochs.settle()).toBe('continued');
    expect(await write(await start()), 'nobody is left in doubt').toBe(4);
    expect(await epochEvents()).toEqual([]);
  });

  it.each(['timeline = timeline + 1', `system_identifier = '42'`])(
    'is not written to by a node that knows nothing (%s) until another one has confirmed it',
    async assignment => {
      const knowing = await start();
      await write(knowing, 2);
      await setHead(knowing, assignment);
      const ignorant = await start();
      await refused(ignorant);
      const confirmed = ignorant.confirmation.untilConfirmed(AbortSignal.timeout(NEVER_MS));
      await waitFor('it says that it waits', () => ignorant.said.length > 0);
      expect(ignorant.confirmation.waitingSeconds).toBeGreaterThanOrEqual(0);
      expect(await knowing.epochs.settle()).toBe('moved');
      await confirmed;
      expect(ignorant.confirmation.waitingSeconds).toBeUndefined();
      expect(await write(ignorant)).toBe(3);
      expect(await epochEvents()).toEqual([]);
    },
  );

  it('begins a new epoch when no node confirms it in time, once for all nodes', async () => {
    const [last, ...starting] = [await start(), await start(100), await start(100), await start(100)];
    await write(last, 2);
    await promote(last);
    await Promise.all(starting.map(node => node.confirmation.untilConfirmed(AbortSignal.timeout(NEVER_MS))));
    expect((await epochEvents()).map(({ after }) => after)).toEqual([
      expect.objectContaining({ previousRevision: 2, reason: 'server-unconfirmed' }),
    ]);
    expect(await write(starting[0])).toBe(2 + EPOCH_JUMP + 1);
    expect(await write(last), 'what it knows is still there').toBe(2 + EPOCH_JUMP + 2);
  });

  it('of which one node confirms what another knows to be cut begins a new epoch when that one comes', async () => {
    const [behind, ahead] = [await start(), await start()];
    await write(behind, 2);
    await database.backUp();
    await write(ahead, 3);
    await database.restore();
    await promote(behind);
    expect(await write(behind), 'it knows no better').toBe(3);
    await refused(ahead);
    expect(await ahead.epochs.settle()).toBe('begun');
    expect(await write(behind)).toBe(3 + EPOCH_JUMP + 1);
    expect(await epochEvents()).toHaveLength(1);
  });

  it('is waited for no longer than the node runs', async () => {
    const node = await start();
    await promote(node);
    const ending = new AbortController();
    const confirmed = (await start()).confirmation.untilConfirmed(ending.signal);
    ending.abort();
    await confirmed;
    expect(await epochEvents()).toEqual([]);
  });
});
