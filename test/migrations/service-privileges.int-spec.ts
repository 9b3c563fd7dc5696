import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatabaseRoles, makeRoles, runSql } from '../support/database/database-roles.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { NOT_FOR_THE_SERVICE, SERVICE_PRIVILEGES } from '../../migrations/index.js';
import { migrate, readSchemaState } from '../support/database/schema.js';

const ALL_PRIVILEGES = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'];

let database: TestDatabase;
let roles: DatabaseRoles;
let owner: Client;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
  roles = await makeRoles(database);
  await migrate(roles.as(roles.owner), { appRole: { named: roles.app } });
  owner = new Client({ connectionString: roles.as(roles.owner) });
  await owner.connect();
});

afterAll(async () => {
  await owner.end();
  await database.drop();
  await roles.remove();
});

const names = async (text: string): Promise<string[]> =>
  (await owner.query<{ name: string }>(text)).rows.map(({ name }) => name);

const relations = () =>
  names(`select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f', 'S') order by relname`);

const functions = () => names(`select proname as name from pg_proc where pronamespace = 'public'::regnamespace`);

const missing = async () => (await readSchemaState(roles.as(roles.app), 'off')).missing;

const tables: readonly (readonly [string, readonly string[]])[] = Object.entries(SERVICE_PRIVILEGES.tables);
const onTables = tables.flatMap(([table, privileges]) => privileges.map(privilege => [privilege, table] as const));

describe('The privileges of the service', () => {
  it('say of every table, sequence, view and function of the schema what the service may do with it', async () => {
    const listed = [...Object.keys(SERVICE_PRIVILEGES.tables), ...SERVICE_PRIVILEGES.functions];
    const found = [...(await relations()), ...(await functions())];
    const unlisted = found.filter(
      name => !listed.includes(name) && !NOT_FOR_THE_SERVICE.some(pattern => pattern.test(name)),
    );
    expect(
      unlisted,
      'add them to SERVICE_PRIVILEGES or NOT_FOR_THE_SERVICE in migrations/service-privileges.ts',
    ).toEqual([]);
    expect(listed.filter(name => !found.includes(name))).toEqual([]);
  });

  it('are what the role has after a migration: no more, and no less', async () => {
    const { rows } = await owner.query<{ name: string; privilege: string }>(
      `select c.relname as name, p.privilege from pg_class c cross join unnest($2::text[]) with ordinality p(privilege, place)
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
         and has_table_privilege($1, c.oid, p.privilege) order by c.relname, p.place`,
      [roles.app, ALL_PRIVILEGES],
    );
    const had = Map.groupBy(rows, ({ name }) => name);
    const told = [...had].map(([name, of]) => [name, of.map(({ privilege }) => privilege)]);
    expect(Object.fromEntries(told)).toEqual(SERVICE_PRIVILEGES.tables);
    const called = await names(
      `select proname as name from pg_proc where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype
         and has_function_privilege('${roles.app}', oid, 'execute') order by name`,
    );
    expect(called).toEqual(SERVICE_PRIVILEGES.functions.toSorted());
  });

  it('on functions are nobody else’s', async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select proname as name from pg_proc where proname = any($1)
         and has_function_privilege($2, oid, 'execute') and not has_function_privilege('pg_monitor', oid, 'execute')`,
      [SERVICE_PRIVILEGES.functions, roles.app],
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(SERVICE_PRIVILEGES.functions.toSorted());
  });

  it.each(onTables)(
    'include %s on %s, which is named where it is missing, and granted again',
    async (privilege, table) => {
      await owner.query(`revoke ${privilege} on ${table} from ${roles.app}`);
      expect(await missing()).toEqual([`${privilege} on table ${table}`]);
      const said: string[] = [];
      await migrate(roles.as(roles.owner), { appRole: { named: roles.app }, log: line => said.push(line) });
      expect(said).toEqual([`Granted to the role ${roles.app}: ${privilege} on table ${table}.`]);
      expect(await missing()).toEqual([]);
    },
  );

  it.each(SERVICE_PRIVILEGES.functions)('include execute on %s, as above', async name => {
    await owner.query(`revoke execute on function ${name} from ${roles.app}`);
    expect(await missing()).toEqual([expect.stringMatching(new RegExp(`^execute on function ${name}\\(`))]);
    await migrate(roles.as(roles.owner), { appRole: { named: roles.app } });
    expect(await missing()).toEqual([]);
  });

  it('include the use of the schema, which is named before all that is in it', async () => {
    await runSql(database.url, `revoke usage on schema public from public, ${roles.app}`);
    expect(await missing()).toEqual(['usage on schema public']);
    await runSql(database.url, `grant usage on schema public to ${roles.app}`);
    expect(await missing()).toEqual([]);
    await runSql(database.url, 'grant usage on schema public to public');
  });

  it('are of no use where the schema is not searched, which is named too', async () => {
    await runSql(database.url, `alter role ${roles.app} set search_path = elsewhere`);
    expect(await missing()).toEqual(['schema public in the search_path']);
    await runSql(database.url, `alter role ${roles.app} reset search_path`);
    expect(await missing()).toEqual([]);
  });

  it('are named all at once', async () => {
    await owner.query(`revoke insert, update on service_revision from ${roles.app}`);
    await owner.query(`revoke all on liveness_guard, mikro_orm_migrations from ${roles.app}`);
    expect(await missing()).toEqual([
      'insert, update on table service_revision',
      'select, insert, update, delete on table liveness_guard',
      'select on table mikro_orm_migrations',
    ]);
    await migrate(roles.as(roles.owner), { appRole: { named: roles.app } });
    expect(await missing()).toEqual([]);
  });

  it('may come through another role', async () => {
    const group = `${roles.app}_group`;
    await runSql(database.url, `create role ${group}; grant ${group} to ${roles.app}`);
    await owner.query(`revoke insert on node_role from ${roles.app}; grant insert on node_role to ${group}`);
    expect(await missing()).toEqual([]);
    await runSql(database.url, `drop owned by ${group}; drop role ${group}`);
    expect(await missing()).toEqual(['insert on table node_role']);
    await migrate(roles.as(roles.owner), { appRole: { named: roles.app } });
  });

  it('are missing on a table that somebody dropped', async () => {
    const client = new Client({ connectionString: roles.as(roles.owner) });
    await client.connect();
    try {
      await client.query('alter table liveness_order rename to put_away');
      expect(await missing()).toEqual([
        'select, insert, update, delete on table liveness_order (which does not exist)',
      ]);
      await client.query('alter table put_away rename to liveness_order');
    } finally {
      await client.end();
    }
  });
});
