import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LOG_ENTITIES } from '@coordination/log';
import { Databases } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { type InstanceRecord } from '@coordination/catalog';
import { someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { LastCheckedRecorder } from './last-checked.js';
import { REGISTRY_ENTITIES } from '../index.js';

let database: TestDatabase;
let writer: WritingNode;
let databases: Databases;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  writer = await startWriter(database.url);
  databases = await Databases.open({
    url: database.url,
    ssl: 'off',
    poolMax: 2,
    entities: [...LOG_ENTITIES, ...REGISTRY_ENTITIES],
  });
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await databases.close();
  await writer.close();
  await database.drop();
});

async function register(instanceId: string, incarnation: string): Promise<InstanceRecord> {
  const { results } = await writer.submit(registerCommand({ identity: anIdentity({ instanceId }), incarnation }));
  return results[0]!.leased!.instance;
}

/** Which of the instances were looked at, as far as the database knows. */
async function checked(records: readonly InstanceRecord[]): Promise<boolean[]> {
  const { rows } = await client.query<{ checked: boolean }>(
    `select checked_at is not null as checked from unnest($1::uuid[]) with ordinality as asked (id, n)
     join instance_lease on instance_id = asked.id order by n`,
    [records.map(({ id }) => id)],
  );
  return rows.map(row => row.checked);
}

it('What a probe found is noted of the process that it looked at, and of none that followed', async () => {
  const [followed, steady] = [await register('followed', 'boot-1'), await register('steady', 'boot-1')];
  const notes = new LastCheckedRecorder(databases, systemClock, someTasks());
  notes.note(followed);
  notes.note(steady);
  const next = await register('followed', 'boot-2');
  await notes.close();
  expect(await checked([next, steady])).toEqual([false, true]);
  const later = new LastCheckedRecorder(databases, systemClock, someTasks());
  later.note(next);
  await later.close();
  expect(await checked([next])).toEqual([true]);
});
