import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { MIGRATIONS, SCHEMA } from '@coordination/migrations';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DatabaseRoles, makeRoles, oldGrants, runSql } from '../../../../test/support/database/database-roles.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { SchemaGate } from './schema-gate.js';
import { migrate, pendingMigrations } from '../../../../test/support/database/schema.js';

let database: TestDatabase;
let front: Server | undefined;
let gate: SchemaGate | undefined;
let roles: DatabaseRoles | undefined;
const sockets = new Set<Socket>();

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  gate?.onApplicationShutdown();
  front?.close();
  for (const socket of sockets) socket.destroy();
  await database.drop();
  await roles?.remove();
  roles = undefined;
  vi.restoreAllMocks();
});

/** A way to the database that takes the first connection, and then says nothing on it. */
async function deafAtFirst(): Promise<string> {
  const url = new URL(database.url);
  const target = { host: url.hostname, port: Number(url.port) };
  let connections = 0;
  front = createServer(client => {
    sockets.add(client.on('error', () => undefined));
    connections += 1;
    if (connections === 1) return;
    const server = connect(target);
    sockets.add(server.on('error', () => undefined));
    client.pipe(server).pipe(client);
  });
  const listening = front.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  url.port = String((listening.address() as AddressInfo).port);
  return url.href;
}

describe('SchemaGate', () => {
  it.each([
    ['migrates', true],
    ['waits for the migrations of others', false],
  ])('that %s opens although the database said nothing on the first connection', async (_what, migrate) => {
    gate = new SchemaGate({ schema: SCHEMA, url: await deafAtFirst(), ssl: 'off', migrate });
    gate.onApplicationBootstrap();
    // Never, if a try without an answer does not end.
    await gate.opened;
    expect(gate.isOpen).toBe(true);
  });
});

/** Starts a gate and keeps what it logs. */
function startGate(options: Omit<ConstructorParameters<typeof SchemaGate>[0], 'schema' | 'ssl'>) {
  const lines: string[] = [];
  for (const level of ['log', 'warn'] as const) {
    vi.spyOn(Logger.prototype, level).mockImplementation(line => void lines.push(String(line)));
  }
  gate = new SchemaGate({ schema: SCHEMA, ssl: 'off', ...options });
  gate.onApplicationBootstrap();
  return { gate, lines };
}

const LACKING_SINCE = [
  'select, insert, update, delete on table idempotency_key',
  'select, update on table namespace_floor',
  'select, insert, update, delete on table liveness_guard',
  'select, insert, update, delete on table liveness_order',
  'select, insert, update, delete on table probe_guard',
  'select, insert, update, delete on table probe_second_look',
];

/** Roles in a database that their owner has migrated, in the place of the one that was there. */
async function migratedByItsOwner() {
  await database.drop();
  database = await createTestDatabase({ migrated: false });
  roles = await makeRoles(database);
  await migrate(roles.as(roles.owner));
  return { ...roles, url: roles.as(roles.app), migrationUrl: roles.as(roles.owner) };
}

describe('SchemaGate, for a role that is not the owner,', () => {
  it('stays closed while the grants are those of an old release, names what lacks, and opens when they come', async () => {
    const { url, app, migrationUrl } = await migratedByItsOwner();
    await runSql(migrationUrl, oldGrants(app));
    const started = startGate({ url, migrate: false });
    await waitFor('the gate has found something', () => started.gate.obstacle);
    expect(started.gate.obstacle).toMatchObject({ lacks: 'privileges', missing: LACKING_SINCE });
    expect(started.lines).toEqual([
      `The role ${app} of DATABASE_URL lacks privileges that the service needs: ${LACKING_SINCE.join('; ')}. Run \`npm run ` +
        `migrate\` as the owner of the tables, with DATABASE_APP_ROLE=${app}. Trying again until it works.`,
    ]);
    expect(started.gate.isOpen).toBe(false);
    await migrate(migrationUrl, { appRole: { named: app } });
    await started.gate.opened;
    expect(started.gate.obstacle).toBeUndefined();
  });

  it('says anew what lacks when only a part of it was granted', async () => {
    const { url, app, migrationUrl } = await migratedByItsOwner();
    await runSql(migrationUrl, oldGrants(app));
    const started = startGate({ url, migrate: false });
    await waitFor('the gate has found something', () => started.gate.obstacle);
    const tables = 'liveness_guard, liveness_order, probe_guard, probe_second_look';
    await runSql(migrationUrl, `grant select, insert, update, delete on ${tables} to ${app}`);
    await waitFor('the gate has found less', () => started.lines.length === 2);
    expect(started.gate.obstacle?.missing).toEqual(LACKING_SINCE.slice(0, 2));
    await runSql(migrationUrl, `grant select, insert, update, delete on idempotency_key to ${app}`);
    await runSql(migrationUrl, `grant select, update on namespace_floor to ${app}`);
    await started.gate.opened;
  });

  it('stays open when a privilege is revoked later: all nodes lack it then', async () => {
    const { url, app, migrationUrl } = await migratedByItsOwner();
    await migrate(migrationUrl, { appRole: { named: app } });
    const started = startGate({ url, migrate: false });
    await started.gate.opened;
    await runSql(migrationUrl, `revoke all on liveness_guard from ${app}`);
    expect(started.gate).toMatchObject({ isOpen: true, obstacle: undefined });
  });

  it.each([
    ['', () => ''],
    [' and may use nothing', ({ app }: DatabaseRoles) => `revoke usage on schema public from public, ${app}`],
  ])('names the migrations that are missing where there are none%s', async (_what, change) => {
    await database.drop();
    database = await createTestDatabase({ migrated: false });
    roles = await makeRoles(database);
    await runSql(database.url, change(roles));
    expect(await pendingMigrations(roles.as(roles.app))).toEqual(MIGRATIONS.map(({ name }) => name));
    const started = startGate({ url: roles.as(roles.app), migrate: false });
    await waitFor('the gate has found something', () => started.gate.obstacle);
    expect(started.gate.obstacle).toMatchObject({ lacks: 'migrations', missing: MIGRATIONS.map(({ name }) => name) });
    for (const { name } of MIGRATIONS) expect(started.lines.join()).toContain(name);
    expect(started.lines.join()).not.toContain('permission denied');
  });

  it('names the one that is missing where the others were applied', async () => {
    const { url, app, migrationUrl } = await migratedByItsOwner();
    await migrate(migrationUrl, { appRole: { named: app } });
    await runSql(migrationUrl, `delete from mikro_orm_migrations where name like '%retention'`);
    const started = startGate({ url, migrate: false });
    await waitFor('the gate has found something', () => started.gate.obstacle);
    expect(started.gate.obstacle?.missing).toEqual([expect.stringMatching(/^\d{14}-retention$/)]);
    expect(started.lines).toEqual([
      expect.stringMatching(/^The database lacks the migrations \d{14}-retention: run `npm run migrate`/),
    ]);
  });

  it('names the privilege without which it cannot tell which migrations were applied', async () => {
    const { url, app, migrationUrl } = await migratedByItsOwner();
    await migrate(migrationUrl, { appRole: { named: app } });
    await runSql(migrationUrl, `revoke all on mikro_orm_migrations from ${app}`);
    await expect(pendingMigrations(url)).rejects.toThrow(
      `The role ${app} may not read which migrations were applied. It lacks: select on table mikro_orm_migrations.`,
    );
    await runSql(database.url, `revoke usage on schema public from public, ${app}`);
    await expect(pendingMigrations(url)).rejects.toThrow('usage on schema public; select on table');
    const started = startGate({ url, migrate: false });
    await waitFor('the gate has found something', () => started.gate.obstacle);
    expect(started.gate.obstacle).toMatchObject({
      lacks: 'privileges',
      missing: ['usage on schema public', expect.stringMatching(/^select on table (public[.])?mikro_orm_migrations$/)],
    });
  });

  it('migrates as the owner, grants the role of the service what it needs, and opens', async () => {
    await database.drop();
    database = await createTestDatabase({ migrated: false });
    roles = await makeRoles(database);
    const { app, owner } = roles;
    const urls = { url: roles.as(app), migrationUrl: roles.as(owner) };
    const started = startGate({ ...urls, migrate: true, appRole: { serviceUser: app } });
    await started.gate.opened;
    expect(started.lines).toEqual([
      expect.stringMatching('^Migrations applied: '),
      expect.stringMatching(`^Granted to the role ${app}: `),
    ]);
  });

  it('says that it migrates for a role that is not there, and stays closed until it is', async () => {
    const { url, app, migrationUrl } = await migratedByItsOwner();
    const started = startGate({ url, migrationUrl, migrate: true, appRole: { named: `${app}_later` } });
    await waitFor('the gate has found something', () => started.gate.obstacle);
    expect(started.lines).toEqual([
      expect.stringContaining(`There is no role ${app}_later, which DATABASE_APP_ROLE names.`),
    ]);
    await runSql(database.url, `create role ${app}_later; grant ${app}_later to ${app}`);
    await started.gate.opened;
    await runSql(database.url, `drop owned by ${app}_later; drop role ${app}_later`);
  });

  it('goes on with a schema that a newer version has migrated, and says so', async () => {
    const { url, app, migrationUrl } = await migratedByItsOwner();
    await migrate(migrationUrl, { appRole: { named: app } });
    await runSql(migrationUrl, `insert into mikro_orm_migrations (name) values ('20991231000000-of-tomorrow')`);
    const started = startGate({ url, migrate: false });
    await started.gate.opened;
    expect(started.lines).toEqual([
      'The database has migrations that this version of the service does not know (20991231000000-of-tomorrow), so a newer ' +
        'version has migrated it. This version goes on.',
    ]);
    expect(await migrate(migrationUrl)).toEqual([]);
  });
});

describe('SchemaGate, for the owner,', () => {
  it.each([
    [
      false,
      [expect.stringContaining('there is no role coordination_app. That is right if the service runs as ') as string],
    ],
    [true, []],
  ])('says that nothing was granted, unless there is but one role (%s)', async (hasOneRole, expected) => {
    const started = startGate({ url: database.url, migrate: true, hasOneRole });
    await started.gate.opened;
    expect(started.lines).toEqual(expected);
  });
});
