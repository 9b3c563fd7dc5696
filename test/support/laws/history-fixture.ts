import { type LogEvent, ServiceEventRepository } from '@coordination/log';
import { FIRST_PREVIOUS_HASH } from '@coordination/log/testing';
import { CatalogView, type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { newId, systemClock } from '@coordination/kernel';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { CatalogState } from '@coordination/catalog/testing';
import { someCommand } from './arbitraries.js';
import { nastyMetadata } from './arbitrary-expressions.js';
import { beginEpoch } from '../log/audit-log.js';
import { CatalogAuthor } from '../catalog/catalog-author.js';
import { anInstance } from '../catalog/factories.js';
import { makePartitionsSmall, makeRoom } from '../database/small-partitions.js';
import { createTestDatabase } from '../database/test-database.js';
import { startWriter } from '../catalog/writer.js';

/** A catalog with a past in which everything happens that can happen, and what is known of it. */
export interface WrittenPast {
  readonly url: string;
  readonly author: CatalogAuthor;
  /** The whole log. */
  readonly events: readonly LogEvent[];
  /** Every revision that can be asked for, 0 too. */
  readonly revisions: readonly number[];
  /** A view that followed the log up to a revision. */
  viewAt(revision: number): CatalogView;
  /** All instances of that view, as answers tell them. */
  instancesAt(revision: number): InstanceRecord[];
  close(): Promise<void>;
}

/** More than are written before, or after, the epoch begins. */
const SOME_EVENTS = 600;

const REQUESTS = fc.array(fc.array(someCommand, { minLength: 1, maxLength: 3 }), { minLength: 120, maxLength: 120 });

const LIVES = fc.array(
  fc.record({ n: fc.nat(39), metadata: nastyMetadata, dies: fc.boolean(), weight: fc.constantFrom(0, 100) }),
  { minLength: 150, maxLength: 150 },
);

/**
 * Writes random commands through the real writer and random lives of instances beside it, with identities that are taken
 * again by others, events that are about no instance, and a new epoch, whose hole leads into another partition.
 * @param partitionSize how many revisions a partition of the log holds; as many as ever by default
 */
export async function writePast(seed: number, partitionSize?: number): Promise<WrittenPast> {
  const database = await createTestDatabase();
  if (partitionSize !== undefined) await makePartitionsSmall(database.url, partitionSize, SOME_EVENTS / partitionSize);
  const author = await CatalogAuthor.open(database.url);
  await writeCommands(database.url, seed);
  await writeLives(author, seed);
  await beginEpoch(author.databases);
  if (partitionSize !== undefined) await makeMoreRoom(database.url, partitionSize);
  await writeCommands(database.url, seed + 1);
  await writeLives(author, seed + 1);
  const events = await new ServiceEventRepository().findAfter(author.databases.em('reads'), 0, 100_000);
  const viewAt = (revision: number): CatalogView => {
    const view = new CatalogView(systemClock, { stalenessLimitSeconds: 600 });
    const head = { revision: 0, hash: FIRST_PREVIOUS_HASH, epoch: newId() };
    view.replace({ head, state: new CatalogState(), sentAtMs: 0 });
    view.apply(events.filter(event => event.revision <= revision));
    return view;
  };
  return {
    url: database.url,
    author,
    events,
    revisions: [0, ...events.map(event => event.revision)],
    viewAt,
    instancesAt: revision => everythingIn(viewAt(revision)).map(toInstanceView),
    async close() {
      await author.close();
      await database.drop();
    },
  };
}

/** The author makes no partitions. */
async function makeMoreRoom(url: string, partitionSize: number): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await makeRoom(client, partitionSize, SOME_EVENTS / partitionSize);
  await client.end();
}

const everythingIn = (view: CatalogView): InstanceRecord[] =>
  [...view.namespaces().values()].flatMap(({ services }) =>
    [...services.values()].flatMap(({ instances }) => [...instances.values()]),
  );

async function writeCommands(url: string, seed: number): Promise<void> {
  const node = await startWriter(url);
  for (const commands of fc.sample(REQUESTS, { numRuns: 1, seed })[0]!) {
    // Some are refused, as some of those that people send are.
    await node.submit(...commands).catch(() => undefined);
  }
  await node.close();
}

/** Instances come, change and go; who comes where another was has an id of its own. */
async function writeLives(author: CatalogAuthor, seed: number): Promise<void> {
  const living = new Map<number, InstanceRecord>();
  for (const { n, metadata, dies, weight } of fc.sample(LIVES, { numRuns: 1, seed })[0]!) {
    const known = living.get(n);
    if (!known) {
      const [service, namespace] = [`m-${n % 3}`, n % 5 === 0 ? 'shop' : 'default'];
      const [record] = await author.add(anInstance({ namespace, service, instanceId: `i-${n}-${seed}`, metadata }));
      living.set(n, record!);
    } else if (dies) {
      await author.remove(known);
      living.delete(n);
    } else living.set(n, await author.change(known, { metadata, weight }));
  }
}
