import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { runMigrations } from './run-migrations.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
});
afterAll(() => database.drop());

describe('runMigrations', () => {
  it('names what it applied, and finds nothing to do the second time', async () => {
    expect(await runMigrations({ DATABASE_URL: database.url })).toMatch(/^Migrations applied: \d{14}-catalog/);
    expect(await runMigrations({ DATABASE_URL: database.url })).toBe('The schema is up to date.');
  });

  it('prefers the role that may migrate', async () => {
    const DATABASE_URL = 'postgres://nobody:nothing@127.0.0.1:1/none';
    expect(await runMigrations({ DATABASE_URL, DATABASE_MIGRATION_URL: database.url })).toBe(
      'The schema is up to date.',
    );
  });

  it('asks for a database where none is named', async () => {
    await expect(runMigrations({})).rejects.toThrow('Set DATABASE_URL');
  });
});
