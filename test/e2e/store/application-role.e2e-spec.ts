import { MIGRATIONS } from '@coordination/migrations';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runMigrations } from '../../../apps/coordination/src/commands/run-migrations.js';
import { Api, INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { type Application, startApplication } from '../../support/nodes/application.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type DatabaseRoles, makeRoles, oldGrants, runSql } from '../../support/database/database-roles.js';
import { disposableDirectory } from '../../support/disposable-directory.js';
import { spawnNode } from '../../support/nodes/spawned-node.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

interface Health {
  readonly details: Readonly<Record<string, { status: string; missing?: readonly string[]; message?: string }>>;
}

const LACKING = [
  'select, insert, update, delete on table idempotency_key',
  'select, update on table namespace_floor',
  'select, insert, update, delete on table liveness_guard',
  'select, insert, update, delete on table liveness_order',
  'select, insert, update, delete on table probe_guard',
  'select, insert, update, delete on table probe_second_look',
];

let database: TestDatabase;
let roles: DatabaseRoles;
let node: Application | undefined;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
  roles = await makeRoles(database);
});

afterEach(async () => {
  await node?.close();
  node = undefined;
  await database.drop();
  await roles.remove();
});

/** A node that runs as the role of the service. */
async function startNode(env: Readonly<Record<string, string>> = {}): Promise<Api> {
  node = await startApplication({ databaseUrl: roles.as(roles.app), env });
  return new Api(node.url);
}

/** What the command does, as the owner. */
const migrate = () => runMigrations({ DATABASE_MIGRATION_URL: roles.as(roles.owner), DATABASE_APP_ROLE: roles.app });

const statusOf = async (api: Api, path: string) => (await api.get(path)).status;

const isReady = (api: Api) => waitFor('the node is ready', async () => (await statusOf(api, '/health/ready')) === 200);

const partOf = async (api: Api, part: string, path = '/health') => (await api.get<Health>(path)).body.details[part];

const lacks = (api: Api, part: string) =>
  waitFor(`${part} are told to be missing`, async () => (await partOf(api, part))?.missing);

describe('a node under the role of the service', () => {
  it('does everything after a migration alone', async () => {
    await migrate();
    const api = await startNode({ PCS_SELF_REGISTRATION: 'on' });
    await isReady(api);

    const key = { 'idempotency-key': 'once' };
    const lease = { kind: 'heartbeat', ttlSeconds: 2, deregisterAfterSeconds: 600 };
    const silent = { service: 'orders', instanceId: 'silent', host: '10.0.0.1', port: 1, check: lease };
    const answers = [await api.send('POST', INSTANCES, silent, key), await api.send('POST', INSTANCES, silent, key)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[1]?.headers.get('idempotency-replayed')).toBe('true');

    await api.register({ instanceId: 'beating' });
    expect((await api.send('PUT', `${named('beating')}/heartbeat`)).status).toBe(204);
    await waitFor('the lease that nobody renews has ended', async () => {
      const { body } = await api.get<LeasedView>(named('silent'));
      return body.health.state === 'unhealthy';
    });
    const guard = { scope: 'all', action: 'force', reason: 'a trial' };
    const forced = await api.send('POST', '/api/v1/liveness/guard', guard);
    expect(forced.status, JSON.stringify(forced.body)).toBeLessThan(300);
    expect((await api.send('DELETE', named('beating'))).status).toBe(204);
    expect(await api.ok('GET', '/api/v1/audit/verify')).toMatchObject({ valid: true });
    await assertCatalogInvariants(roles.as(roles.app));
  });

  it('is not ready while an upgrade has left grants out, names them, and becomes ready when they come', async () => {
    await migrate();
    await runSql(roles.as(roles.owner), `revoke all on all tables in schema public from ${roles.app}`);
    await runSql(roles.as(roles.owner), oldGrants(roles.app));
    const api = await startNode();
    await lacks(api, 'privileges');
    for (const path of ['/health', '/health/startup']) {
      expect(await statusOf(api, path)).toBe(503);
      expect(await partOf(api, 'privileges', path)).toMatchObject({ status: 'down', missing: LACKING });
      expect(await partOf(api, 'migrations', path)).toEqual({ status: 'up' });
    }
    expect(await statusOf(api, '/health/ready')).toBe(503);
    expect(await statusOf(api, '/health/live')).toBe(200);

    expect(await migrate()).toBe('The schema is up to date.');
    await isReady(api);
    expect(await statusOf(api, '/health/startup')).toBe(200);
    expect(await partOf(api, 'privileges')).toEqual({ status: 'up' });
  });

  it('stays ready when a privilege is revoked later', async () => {
    await migrate();
    const api = await startNode();
    await isReady(api);
    await runSql(roles.as(roles.owner), `revoke all on idempotency_key from ${roles.app}`);
    const body = { service: 'orders', host: '10.0.0.1', port: 1 };
    expect((await api.send('POST', INSTANCES, body, { 'idempotency-key': 'k' })).status).toBeGreaterThanOrEqual(500);
    expect(await statusOf(api, '/health/ready')).toBe(200);
    expect(await statusOf(api, '/health/startup')).toBe(200);
  });

  it('names the migrations that are missing, and waits for them', async () => {
    const api = await startNode();
    await lacks(api, 'migrations');
    for (const path of ['/health', '/health/startup']) {
      expect(await statusOf(api, path)).toBe(503);
      expect((await partOf(api, 'migrations', path))?.missing).toEqual(MIGRATIONS.map(({ name }) => name));
    }
    await migrate();
    await isReady(api);
  });

  it('migrates by itself, as the owner, where it is told to', async () => {
    const api = await startNode({ PCS_MIGRATE_ON_START: 'on', DATABASE_MIGRATION_URL: roles.as(roles.owner) });
    await isReady(api);
    await api.register();
  });

  it('says in its log which migrations are missing, then which privileges', async () => {
    const directory = disposableDirectory();
    try {
      const { process } = await spawnNode(directory, roles.as(roles.app));
      for (const { name } of MIGRATIONS) await process.says(new RegExp(`lacks the migrations .*${name}`));
      expect(process.output).not.toContain('permission denied');
      await runMigrations({ DATABASE_URL: roles.as(roles.owner) });
      await process.says(
        new RegExp(
          `role ${roles.app} of DATABASE_URL lacks privileges .*select, insert on table service_event;.*DATABASE_APP_ROLE=${roles.app}`,
        ),
      );
    } finally {
      await directory.remove();
    }
  });
});
