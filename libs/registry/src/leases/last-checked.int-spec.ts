import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LOG_ENTITIES } from '@coordination/log';
import { Databases } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { type InstanceRecord, type ProbeError } from '@coordination/catalog';
import { someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { LastCheckedRecorder, type NotedError } from './last-checked.js';
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
  notes.note(followed, null);
  notes.note(steady, null);
  const next = await register('followed', 'boot-2');
  await notes.close();
  expect(await checked([next, steady])).toEqual([false, true]);
  const later = new LastCheckedRecorder(databases, systemClock, someTasks());
  later.note(next, null);
  await later.close();
  expect(await checked([next])).toEqual([true]);
});

it('Why a probe did not succeed is noted, until one succeeds or another endpoint is registered', async () => {
  const record = await register('failing', 'boot-1');
  const read = async () => {
    const { rows } = await client.query<{ error: ProbeError | null; checked: boolean }>(
      `select probe_error as error, checked_at is not null as checked from instance_lease where instance_id = $1`,
      [record.id],
    );
    return rows[0]!;
  };
  const note = async (error: NotedError | null) => {
    const notes = new LastCheckedRecorder(databases, systemClock, someTasks());
    notes.note(record, error);
    await notes.close();
    return await read();
  };
  const lacking = { kind: 'node', reason: 'dns', message: 'no answer', node: 'node-a' } as const;
  expect(await note(lacking), 'a probe that was not possible counts as a check').toEqual({
    error: { ...lacking, at: expect.stringMatching(/^\d{4}-.*Z$/) as string },
    checked: false,
  });
  expect(await note(null)).toEqual({ error: null, checked: true });
  const failing = { kind: 'instance', reason: 'timeout', message: 'No answer within 1 s.', node: null } as const;
  expect((await note(failing)).error).toMatchObject(failing);
  await writer.submit(registerCommand({ identity: anIdentity({ instanceId: 'failing' }), incarnation: 'boot-2' }));
  expect((await read()).error, 'the next process has the error of the one before').toBeNull();
});
