import { Client, escapeIdentifier } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DatabaseRoles, makeRoles, runSql } from '../../../../test/support/database/database-roles.js';
import { OwnPostgres } from '../../../../test/support/database/own-postgres.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { appRoleOf } from './app-role.js';
import { type MigrateOptions } from './migrate.js';
import { migrate, pendingMigrations, readSchemaState } from '../../../../test/support/database/schema.js';

let database: TestDatabase;
let roles: DatabaseRoles;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
  roles = await makeRoles(database);
});

afterEach(async () => {
  await database.drop();
  await roles.remove();
});

async function migrateAs(role: string, options: Partial<MigrateOptions> = {}) {
  const said: string[] = [];
  const done = await migrate(role.startsWith('postgres') ? role : roles.as(role), {
    ...options,
    log: line => said.push(line),
  });
  return { done, said };
}

const missing = async (role = roles.app) => (await readSchemaState(roles.as(role), 'off')).missing;

describe('A migration', () => {
  it('grants the role that is named what the service needs, and tells of it once', async () => {
    const named = { appRole: { named: roles.app } };
    const first = await migrateAs(roles.owner, named);
    expect(first.done).not.toEqual([]);
    expect(first.said).toEqual([
      expect.stringMatching(`^Granted to the role ${roles.app}: select, insert on table service_event; `),
    ]);
    expect(await missing()).toEqual([]);
    expect(await migrateAs(roles.owner, named)).toEqual({ done: [], said: [] });
  });

  it('grants by a superuser, who owns the tables then', async () => {
    await migrateAs(database.url, { appRole: { named: roles.app } });
    expect(await missing()).toEqual([]);
  });

  it('grants by a superuser what another role owns', async () => {
    await migrateAs(roles.owner);
    await migrateAs(database.url, { appRole: { named: roles.app } });
    expect(await missing()).toEqual([]);
    // By the owner all the same, or a superuser who goes would leave privileges behind that nobody can take away.
    await runSql(roles.as(roles.owner), `revoke all on service_event from ${roles.app}`);
    expect(await missing()).toEqual(['select, insert on table service_event']);
  });

  it('grants a role that came after the tables', async () => {
    await migrateAs(roles.owner);
    expect((await missing()).length).toBeGreaterThan(0);
    const { done, said } = await migrateAs(roles.owner, { appRole: { named: roles.app } });
    expect(done).toEqual([]);
    expect(said).toHaveLength(1);
    expect(await missing()).toEqual([]);
  });

  it('grants once when ten nodes start at the same time', async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, () => migrateAs(roles.owner, { appRole: { named: roles.app } })),
    );
    expect(all.filter(({ said }) => said.length > 0)).toHaveLength(1);
    expect(await missing()).toEqual([]);
  });

  it.each(['Of Two Words', 'has"quotes\'and;drops', 'select', 'ümläut'])(
    'grants a role that is called %s',
    async name => {
      const role = `${name} ${roles.app}`;
      const quoted = escapeIdentifier(role);
      await runSql(database.url, `create role ${quoted} login password 'x'`);
      try {
        await migrateAs(roles.owner, { appRole: { named: role } });
        const url = new URL(database.url);
        Object.assign(url, { username: encodeURIComponent(role), password: 'x' });
        expect(await readSchemaState(url.href, 'off')).toMatchObject({ role, pending: [], missing: [] });
      } finally {
        await runSql(database.url, `drop owned by ${quoted}; drop role ${quoted}`);
      }
    },
  );

  it('changes nothing when the role that is named is missing', async () => {
    await expect(migrateAs(roles.owner, { appRole: { named: 'no_such_role' } })).rejects.toThrow(
      'There is no role no_such_role, which DATABASE_APP_ROLE names. Make it (migrations/roles.sql) or correct the name.',
    );
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(`select relname from pg_class where relnamespace = 'public'::regnamespace`);
    await client.end();
    expect(rows).toEqual([]);
  });

  it('is taken back as a whole when a grant fails', async () => {
    await runSql(
      database.url,
      `create function refuse_grants() returns event_trigger language plpgsql as $$begin raise exception 'no grants today'; end$$;
       create event trigger refuse_grants on ddl_command_start when tag in ('GRANT') execute function refuse_grants()`,
    );
    await expect(migrateAs(roles.owner, { appRole: { named: roles.app } })).rejects.toThrow('no grants today');
    expect(await pendingMigrations(roles.as(roles.owner))).not.toEqual([]);
    await runSql(database.url, 'drop event trigger refuse_grants; drop function refuse_grants()');
    expect((await migrateAs(roles.owner, { appRole: { named: roles.app } })).done).not.toEqual([]);
    expect(await missing()).toEqual([]);
  });

  it('has nothing to grant to the owner, and says so where that is the one that is named', async () => {
    const { said } = await migrateAs(roles.owner, { appRole: { named: roles.owner } });
    expect(said).toEqual([
      `The role ${roles.owner} may do whatever the owner of the tables may: nothing was granted to it.`,
    ]);
    expect(await missing(roles.owner)).toEqual([]);
  });

  it('says which role it looked for where none is named and none is there', async () => {
    const { said } = await migrateAs(roles.owner);
    expect(said).toEqual([
      `No privileges were granted, because there is no role coordination_app. That is right if the service runs as ${roles.owner}; if it ` +
        'runs as another role, set DATABASE_APP_ROLE to its name and migrate again.',
    ]);
    // Whoever uses the database now, by grants of their own, keeps what the public may.
    await runSql(roles.as(roles.app), 'select catalog_server()');
  });

  it('grants the user of the service’s URL where the migrations have another one', async () => {
    const settings = {
      DATABASE_APP_ROLE: undefined,
      DATABASE_URL: roles.as(roles.app),
      DATABASE_MIGRATION_URL: roles.as(roles.owner),
    };
    await migrateAs(roles.owner, { appRole: appRoleOf(settings) });
    expect(await missing()).toEqual([]);
  });

  it('passes by a user of the service’s URL that is no role of the server, because a pooler knows it alone', async () => {
    const { said } = await migrateAs(roles.owner, { appRole: { serviceUser: 'pooled' } });
    expect(said).toEqual([expect.stringContaining('there is no role pooled or coordination_app.')]);
  });

  it('tells a role that is not the owner what is missing and who may migrate', async () => {
    await migrateAs(roles.owner, { appRole: { named: roles.app } });
    await runSql(roles.as(roles.owner), `delete from mikro_orm_migrations where name like '%retention'`);
    const url = roles.as(roles.app);
    await expect(migrate(url)).rejects.toThrow(
      new RegExp(
        `The role ${roles.app} may not migrate, because the tables belong to ${roles.owner}: .*missing: \\d{14}-retention\\.$`,
      ),
    );
    await runSql(roles.as(roles.owner), `revoke select on mikro_orm_migrations from ${roles.app}`);
    await expect(migrate(url)).rejects.toThrow('may not migrate, because the tables belong to');
  });

  it('tells a role that may not create tables so, before the first one', async () => {
    await expect(migrate(roles.as(roles.app))).rejects.toThrow(
      `The role ${roles.app} may not migrate, because it may not create tables in the schema public: set DATABASE_MIGRATION_URL`,
    );
    await runSql(database.url, `revoke usage on schema public from public, ${roles.app}`);
    await expect(migrate(roles.as(roles.app))).rejects.toThrow('create tables in any schema of its search_path');
  });

  it('by a role that is not the owner fails only for what it may not grant', async () => {
    await migrateAs(roles.owner, { appRole: { named: roles.app } });
    const named = { appRole: { named: roles.app } };
    expect(await migrateAs(roles.app, named)).toEqual({ done: [], said: [] });
    await runSql(roles.as(roles.owner), `revoke insert on service_event from ${roles.app}`);
    const complaint = `The role ${roles.app} lacks insert on table service_event, and ${roles.app} may not grant that. Let the owner (${roles.owner})`;
    await expect(migrateAs(roles.app, named)).rejects.toThrow(complaint);
    expect((await migrateAs(roles.app, { appRole: { serviceUser: roles.app } })).said).toEqual([
      expect.stringContaining(complaint),
    ]);
  });

  it('by a member of the owner grants as the owner', async () => {
    await migrateAs(roles.owner);
    await migrateAs(roles.maintenance, { appRole: { named: roles.app } });
    expect(await missing()).toEqual([]);
  });

  it('leaves what others granted', async () => {
    const reports = `${roles.app}_reports`;
    await runSql(database.url, `create role ${reports}`);
    try {
      await migrateAs(roles.owner, { appRole: { named: roles.app } });
      await runSql(
        roles.as(roles.owner),
        `grant select on service_event to ${reports}; grant select on service_event_p0 to ${roles.app}`,
      );
      await migrateAs(roles.owner, { appRole: { named: roles.app } });
      const client = new Client({ connectionString: database.url });
      await client.connect();
      const { rows } = await client.query(
        `select has_table_privilege('${reports}', 'service_event', 'select') as theirs,
           has_table_privilege('${roles.app}', 'service_event_p0', 'select') as ours`,
      );
      await client.end();
      expect(rows).toEqual([{ theirs: true, ours: true }]);
    } finally {
      await runSql(database.url, `drop owned by ${reports}; drop role ${reports}`);
    }
  });
});

describe('Where no role is named', () => {
  let postgres: OwnPostgres;
  beforeEach(async () => (postgres = await OwnPostgres.start()));
  afterEach(() => postgres.remove());

  it('coordination_app gets the privileges as soon as it is there', async () => {
    const url = new URL(postgres.url);
    await runSql(url.href, `create role coordination_app login password 'x'`);
    const { done, said } = await migrateAs(url.href);
    expect(done).toEqual([]);
    expect(said).toEqual([expect.stringMatching('^Granted to the role coordination_app: ')]);
    Object.assign(url, { username: 'coordination_app', password: 'x' });
    expect(await readSchemaState(url.href, 'off')).toMatchObject({
      role: 'coordination_app',
      pending: [],
      missing: [],
    });
  });
});
