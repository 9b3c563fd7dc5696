import { CatalogHeadRepository, RevisionFinder } from '@coordination/log';
import { query } from '@coordination/database';
import { RevisionCompactedError } from '@coordination/kernel';
import { EmptyServiceRepository } from '@coordination/registry/testing';
import { type ServiceTouch, toEmptyServicesDropped } from '@coordination/catalog';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EVERYTHING, type PastDiscovery } from '@coordination/discovery/testing';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { compactSome } from '../support/log/compaction.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { anIdentity, anOrigin, registerCommand } from '../support/catalog/factories.js';
import { expectViewIsTable, startReadingNode } from '../support/nodes/reading-node.js';
import { makePartitionsSmall } from '../support/database/small-partitions.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { waitFor } from '../support/time/wait-for.js';
import { startWriter, type WritingNode } from '../support/catalog/writer.js';
import { pastOf } from '../support/catalog/past-of.js';

const PARTITION_SIZE = 10;

let database: TestDatabase;
let directory: DisposableDirectory;
let client: Client;
let node: WritingNode;

beforeEach(async () => {
  database = await createTestDatabase();
  await makePartitionsSmall(database.url, PARTITION_SIZE, 12);
  directory = disposableDirectory();
  client = new Client({ connectionString: database.url });
  await client.connect();
  node = await startWriter(database.url);
});

afterEach(async () => {
  await node.close();
  await client.end();
  await database.drop();
  await directory.remove();
});

const comeAndGo = async (service: string): Promise<ServiceTouch> => {
  const identity = anIdentity({ service });
  await node.submit(registerCommand({ identity }));
  const { revision } = await node.submit({ kind: 'deregister', target: { identity }, ifMatch: undefined });
  return { namespace: identity.namespace, service, revision };
};

const drop = async (services: readonly ServiceTouch[]): Promise<void> => {
  const write = (em: Parameters<EmptyServiceRepository['drop']>[0]) => new EmptyServiceRepository().drop(em, services);
  const systemEvent = { ...toEmptyServicesDropped(services.at(-1)!), write, isAlone: true };
  await node.writer.submit({ commands: [], origin: anOrigin(), systemEvent });
};

const inBaseline = async (): Promise<string[]> => {
  const rows = await query<{ service: string }>(
    node.databases.em('reads'),
    'select distinct service from catalog_baseline order by service',
  );
  return rows.map(({ service }) => service);
};

const askOf = (past: PastDiscovery) => async (revision: number, service: string) => {
  const of = { namespace: 'default', service };
  return String((await past.listInstances({ revision }, of, EVERYTHING, () => false)).body);
};

describe('A log that is cut', () => {
  it('keeps nothing of services that were dropped, and what is there of the others', async () => {
    await node.submit(registerCommand({ identity: anIdentity({ service: 'lives' }) }));
    const gone: ServiceTouch[] = [];
    for (let n = 0; n < 20; n++) gone.push(await comeAndGo(`gone-${String(n).padStart(2, '0')}`));
    const known = await comeAndGo('known');
    await drop(gone);
    for (let n = 0; n < 12; n++) await comeAndGo('later');
    const { databases } = node;
    await compactSome({ databases, client, exportDir: directory.path, partitions: 5 });
    expect(await inBaseline()).toEqual(['known', 'later', 'lives']);
    await assertCatalogInvariants(database.url);

    const reading = await startReadingNode({ url: database.url, pollMs: 50 });
    try {
      await waitFor('the catalog is loaded', () => reading.view.loaded);
      await expectViewIsTable(reading.view, databases);
      expect(reading.view.serviceRevision('default', 'known')).toBe(known.revision);
      expect(reading.view.serviceRevision('default', 'gone-00')).toBeGreaterThan(gone.at(-1)!.revision);
      const past = pastOf(databases, new RevisionFinder(databases, new CatalogHeadRepository()));
      for (const service of ['known', 'gone-00']) {
        const found = await past.listInstances(
          { revision: reading.view.revision },
          { namespace: 'default', service },
          EVERYTHING,
          () => false,
        );
        expect(JSON.parse(String(found.body))).toMatchObject({ service, instances: [] });
      }
    } finally {
      await reading.stop();
    }
  });

  it('goes on from a cut after which services were dropped that were known there', async () => {
    const gone: ServiceTouch[] = [];
    for (let n = 0; n < 12; n++) gone.push(await comeAndGo(`gone-${n}`));
    for (let n = 0; n < 6; n++) await comeAndGo('later');
    const { databases } = node;
    await compactSome({ databases, client, exportDir: directory.path, partitions: 2 });
    expect(await inBaseline()).toHaveLength(10);
    await drop(gone);
    await assertCatalogInvariants(database.url);
    for (let n = 0; n < 6; n++) await comeAndGo('later');
    await compactSome({ databases, client, exportDir: directory.path, partitions: 2 });
    expect(await inBaseline()).toEqual(['later']);
    await assertCatalogInvariants(database.url);
  });

  it('has no kept answer for what is no longer retained, and the same ones for what is', async () => {
    const { databases } = node;
    const identity = anIdentity({ service: 'lives' });
    const { revision: first } = await node.submit(registerCommand({ identity }));
    const revisions: number[] = [];
    for (let n = 0; n < 25; n++) revisions.push((await comeAndGo('later')).revision);
    const reading = await startReadingNode({ url: database.url, pollMs: 50 });
    try {
      const last = revisions.at(-1)!;
      await waitFor('the view has all of it', () => reading.view.revision >= last);
      const finder = new RevisionFinder(databases, new CatalogHeadRepository());
      const keptBytes = 10_000_000;
      const asks = [
        askOf(pastOf(databases, finder, { keptBytes })),
        askOf(pastOf(databases, finder, { keptBytes, view: reading.view })),
      ];
      const kept = await Promise.all(asks.map(ask => ask(first, 'lives')));
      for (const ask of asks) await ask(revisions[0]!, 'later');
      await compactSome({ databases, client, exportDir: directory.path, partitions: 2 });
      for (const [n, ask] of asks.entries()) {
        // The version of the list that is kept, at a revision that is retained and at one that is not.
        expect(await ask(last, 'lives')).toBe(kept[n]);
        await expect(ask(first, 'lives')).rejects.toThrow(RevisionCompactedError);
        await expect(ask(revisions[0]!, 'later')).rejects.toThrow(RevisionCompactedError);
      }
    } finally {
      await reading.stop();
    }
  });
});
