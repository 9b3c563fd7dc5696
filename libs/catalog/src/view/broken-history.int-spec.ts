import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EPOCH_JUMP } from '@coordination/log/testing';
import { query } from '@coordination/database';
import { StartingError } from '@coordination/kernel';
import { CatalogAuthor } from '../../../../test/support/catalog/catalog-author.js';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import {
  expectViewIsTable,
  NEVER_MS,
  type ReadingNode,
  type ReadingNodeOptions,
  startReadingNode,
} from '../../../../test/support/nodes/reading-node.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

let database: TestDatabase;
let author: CatalogAuthor;
const nodes: ReadingNode[] = [];

const start = async (options: Omit<ReadingNodeOptions, 'url'>): Promise<ReadingNode> => {
  const node = await startReadingNode({ url: database.url, ...options });
  nodes.push(node);
  return node;
};

const ask = <Row>(text: string) => query<Row>(author.databases.em('reads'), text);

beforeEach(async () => {
  database = await createTestDatabase();
  author = await CatalogAuthor.open(database.url);
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(node => node.stop()));
  await author.close();
  await database.drop();
});

const three = () => [1, 2, 3].map(n => anInstance({ instanceId: `orders-${n}` }));

const epochsBegun = async () =>
  await ask<{ revision: number; reason: string }>(
    `select revision::float8 as revision, after ->> 'reason' as reason from service_event
     where action = 'catalog.epoch_started'`,
  );
const cutTheLog = `set session_replication_role = replica; delete from service_event where revision = 3;
  delete from service_instance where revision = 3; update service_revision set revision = 2;
  update catalog_head set revision = 2, hash = (select hash from service_event where revision = 2)`;

describe('a history that is not the one that was held', () => {
  it('is loaded again: another epoch, which the log does not start', async () => {
    await author.add(...three());
    const { view, updater, said } = await start({ pollMs: 50 });
    await waitFor('the view to be loaded', () => view.loaded);
    await ask('update catalog_head set epoch = gen_random_uuid()');
    await waitFor('the new history', () => view.generation === 2);
    expect(updater.reloads).toBe(1);
    expect(said.join('\n')).toContain('The history of the catalog is broken: the epoch is another one');
    await expectViewIsTable(view, author.databases);
    expect(await epochsBegun()).toEqual([]);
  });

  it.each([
    ['another newest event', `update catalog_head set hash = repeat('a', 64)`, 3, 'event-differs'],
    ['a log that is shorter than it was', cutTheLog, 2, 'log-shorter'],
  ])('ends, and a new epoch begins: %s', async (_, statement, survived, reason) => {
    await author.add(...three());
    const pair = [await start({ pollMs: 50 }), await start({ pollMs: 50 })];
    for (const { view } of pair) await waitFor('the view to be loaded', () => view.loaded);
    await ask(statement);
    for (const { view } of pair) await waitFor('the new epoch', () => view.revision >= survived + EPOCH_JUMP);
    await author.add(anInstance({ service: 'later' }));
    for (const { view } of pair) {
      await waitFor('what comes later', () => view.instancesOf('default', 'later').size === 1);
      expect(view.generation).toBe(2);
      expect(view.unknownReason(survived)).toBeUndefined();
      expect(view.unknownReason(survived + 1)).toBe('ended-epoch');
      await expectViewIsTable(view, author.databases);
    }
    expect(await epochsBegun()).toEqual([{ revision: survived + EPOCH_JUMP, reason }]);
    const late = await start({ pollMs: 50 });
    await waitFor('a later node to be loaded', () => late.view.loaded);
    expect(late.view.unknownReason(survived + 1)).toBe('ended-epoch');
    await expectViewIsTable(late.view, author.databases);
  });

  it('is followed without a load by a node whose view survived', async () => {
    await author.add(...three());
    const { view, follower, updater } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    const [later] = await author.add(anInstance({ service: 'later' }));
    await ask('update catalog_head set timeline = timeline + 1');
    const starting = await start({ pollMs: 50, confirmMs: 0 });
    await waitFor('the new epoch', () => starting.view.loaded);
    expect(await epochsBegun()).toEqual([{ revision: 4 + EPOCH_JUMP, reason: 'server-unconfirmed' }]);
    follower.poll();
    await waitFor('the node to follow', () => view.revision === 4 + EPOCH_JUMP);
    expect(updater.reloads).toBe(0);
    expect(view.find(later!.id)).toBeDefined();
    await expectViewIsTable(view, author.databases);
    await expectViewIsTable(starting.view, author.databases);
  });

  it('is not served by a node that starts on another server, until a node has confirmed it', async () => {
    await author.add(...three());
    const { view, follower } = await start({ pollMs: NEVER_MS });
    await waitFor('the view to be loaded', () => view.loaded);
    await ask('update catalog_head set timeline = timeline + 1');
    const starting = await start({ pollMs: 50 });
    await waitFor('the doubt to be told', () => starting.said.length > 0);
    expect(() => starting.view.assertReadable()).toThrow(StartingError);
    follower.poll();
    await waitFor('the starting node', () => starting.view.loaded);
    await expectViewIsTable(starting.view, author.databases);
    expect(await epochsBegun()).toEqual([]);
  });

  it('is confirmed while it is in doubt without a word to those who follow', async () => {
    await author.add(...three());
    const { view, updater } = await start({ pollMs: 50 });
    await waitFor('the view to be loaded', () => view.loaded);
    await ask('update catalog_head set timeline = timeline + 1');
    const isConfirmed = `select from catalog_head where timeline = (select timeline from catalog_server())`;
    await waitFor('the node to confirm', async () => (await ask(isConfirmed)).length === 1);
    expect({ generation: view.generation, reloads: updater.reloads }).toEqual({ generation: 1, reloads: 0 });
    expect(await epochsBegun()).toEqual([]);
  });
});
