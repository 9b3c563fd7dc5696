import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRoles, runSql } from '../../../../test/support/database/database-roles.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { runMigrations } from './run-migrations.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
});
afterAll(() => database.drop());

describe('runMigrations', () => {
  it('names the applied migrations, and has nothing to do the second time', async () => {
    expect(await runMigrations({ DATABASE_URL: database.url })).toMatch(/^Migrations applied: \d{14}-catalog/);
    expect(await runMigrations({ DATABASE_URL: database.url })).toBe('The schema is up to date.');
  });

  it('prefers the URL of the migration role', async () => {
    const DATABASE_URL = 'postgres://nobody:nothing@127.0.0.1:1/none';
    expect(await runMigrations({ DATABASE_URL, DATABASE_MIGRATION_URL: database.url })).toBe(
      'The schema is up to date.',
    );
  });

  it('reports which privileges were granted to the role of the service, or why none were', async () => {
    const roles = await makeRoles(database);
    try {
      const run = async (env: NodeJS.ProcessEnv) => {
        const said: string[] = [];
        await runMigrations({ DATABASE_URL: database.url, ...env }, line => said.push(line));
        return said;
      };
      expect(await run({})).toEqual([expect.stringContaining('because there is no role coordination_app')]);
      const granted = [expect.stringMatching(`^Granted to the role ${roles.app}: `)];
      expect(await run({ DATABASE_APP_ROLE: roles.app })).toEqual(granted);
      expect(await run({ DATABASE_APP_ROLE: roles.app })).toEqual([]);
      await runSql(database.url, `revoke all on all tables in schema public from ${roles.app}`);
      const urls = { DATABASE_URL: roles.as(roles.app), DATABASE_MIGRATION_URL: database.url };
      expect(await run(urls)).toEqual(granted);
      await expect(run({ DATABASE_APP_ROLE: 'misspelt' })).rejects.toThrow('There is no role misspelt');
    } finally {
      await runSql(database.url, `drop owned by ${roles.app}, ${roles.owner}`);
      await roles.remove();
    }
  });

  it('fails if no database is named', async () => {
    await expect(runMigrations({})).rejects.toThrow('Set DATABASE_URL');
  });
});
