import { SCHEMA } from '@coordination/migrations';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { SchemaGate } from './schema-gate.js';
import { migrate } from '../../../../test/support/database/schema.js';

let database: TestDatabase;
let gate: SchemaGate;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
});

afterEach(async () => {
  gate.onApplicationShutdown();
  await database.drop();
});

describe('A gate that waits for the schema', () => {
  it('is a task that fails until somebody has migrated', async () => {
    const { task, lines } = aToldTask('schema-check');
    gate = new SchemaGate({ schema: SCHEMA, url: database.url, ssl: 'off', migrate: false }, { task: () => task });
    gate.onApplicationBootstrap();
    await waitFor('it is told', () => task.trouble);
    expect(task.trouble).toMatchObject({
      lastError: expect.stringContaining('The database lacks') as string,
      lastSuccessAt: null,
    });
    await migrate(database.url);
    await gate.opened;
    await waitFor('it is over', () => !task.trouble);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'log']);
  });

  it('tells why the database cannot be asked, without the password', async () => {
    const url = new URL(database.url);
    url.port = '1';
    const { task } = aToldTask('schema-check');
    gate = new SchemaGate({ schema: SCHEMA, url: url.href, ssl: 'off', migrate: false }, { task: () => task });
    gate.onApplicationBootstrap();
    await waitFor('it is told', () => task.trouble);
    expect(task.trouble!.lastError).toContain('ECONNREFUSED');
    if (url.password !== '') expect(task.trouble!.lastError).not.toContain(url.password);
  });
});
