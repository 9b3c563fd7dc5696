import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMigrations } from '../../../apps/coordination/src/commands/run-migrations.js';
import { Api } from '../../support/http/api.js';
import { type Application, startApplication } from '../../support/nodes/application.js';
import { AUTHORITY, CERTIFICATE_KEY, CERTIFICATES, OTHER_AUTHORITY } from '../../support/http/certificates.js';
import { runSql } from '../../support/database/database-roles.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { KubernetesPage, type Manifest, podOf } from '../../support/kubernetes-page.js';
import { OwnPostgres } from '../../support/database/own-postgres.js';
import { waitFor } from '../../support/time/wait-for.js';

const ROLES = readFileSync(resolve(import.meta.dirname, '../../../migrations/roles.sql'), 'utf8');

const page = new KubernetesPage();

let postgres: OwnPostgres;
let directory: DisposableDirectory;
let node: Application | undefined;
const authority = () => join(directory.path, 'ca.crt');

beforeAll(async () => {
  directory = disposableDirectory();
  await writeFile(authority(), AUTHORITY);
  postgres = await OwnPostgres.start({ migrated: false });
  await postgres.serveCertificate({ cert: CERTIFICATES.trusted, key: CERTIFICATE_KEY });
  await postgres.setAccess('hostnossl coordination all 127.0.0.1/32 reject');
  await postgres.administer('create database coordination');
});

afterAll(async () => {
  await node?.close();
  await postgres.remove();
  await directory.remove();
});

/** The server of this test in the place of the one of the page. */
function here(text: string): string {
  const { port } = new URL(postgres.url);
  return text
    .replaceAll('<password>', 'secret')
    .replace('@postgres:5432', `@localhost:${port}`)
    .replace('/etc/coordination/database-ca/ca.crt', authority());
}

const environmentOf = (manifest: Manifest): Record<string, string> =>
  Object.fromEntries(Object.entries(page.environmentOf(manifest)).map(([name, value]) => [name, here(value)]));

/** What psql makes of a script that takes variables of the environment. */
function asPsql(script: string, environment: Readonly<Record<string, string>>): string {
  const values = new Map<string, string>();
  const statements = script.split('\n').filter(line => {
    const [, name, variable] = /^\\getenv (\w+) (\w+)$/.exec(line) ?? [];
    if (name !== undefined) values.set(name, environment[variable!]!);
    return name === undefined;
  });
  return statements.join('\n').replaceAll(/:'(\w+)'/g, (_, name: string) => `'${values.get(name)}'`);
}

describe('Who follows the page for Kubernetes', () => {
  it('has roles, a schema and grants after its first Jobs, over TLS that checks the authority', async () => {
    const roles = page.manifests.find(({ metadata }) => metadata.generateName === 'coordination-roles-')!;
    const { SUPERUSER_URL: url, ...passwords } = environmentOf(roles);
    expect(podOf(roles)!.spec.containers[0]!.command).toContain('$(SUPERUSER_URL)');
    // The password of the superuser is that of this server.
    const superuser = new URL(url!);
    superuser.password = new URL(postgres.url).password;
    for (const parameter of ['sslmode', 'sslrootcert']) superuser.searchParams.delete(parameter);
    await postgres.setAccess();
    for (let again = 0; again < 2; again++) {
      await runSql(superuser.href, ROLES);
      await runSql(superuser.href, asPsql(page.blocks('sql')[0]!, passwords));
    }
    await postgres.setAccess('hostnossl coordination all 127.0.0.1/32 reject');

    const said: string[] = [];
    const job = page.manifests.find(({ metadata }) => metadata.generateName === 'coordination-migrate-')!;
    expect(await runMigrations(environmentOf(job), line => said.push(line))).toMatch(/^Migrations applied/);
    expect(said.join('\n')).toContain('coordination_app');
    expect(await runMigrations(environmentOf(job)), 'the next upgrade').toBe('The schema is up to date.');
  });

  it('has a node that becomes ready, under the role of the service, and may probe pods', async () => {
    const { NODE_OPTIONS: _, DATABASE_URL: url, ...settings } = environmentOf(page.find('Deployment', 'coordination'));
    node = await startApplication({ databaseUrl: url!, env: settings });
    const api = new Api(node.url);
    await waitFor('the node is ready', async () => (await api.get('/health/ready')).status === 200);
    const check = { kind: 'http', path: '/' };
    expect(await api.register({ host: '10.244.1.7', check })).toMatchObject({ host: '10.244.1.7' });
    const other = await api.send('POST', '/api/v1/registry/instances', {
      service: 'orders',
      host: '10.96.0.1',
      port: 80,
      check,
    });
    expect(other.status).toBe(400);
    const users = new Set(
      (
        await postgres.ask<{ usename: string; ssl: boolean }>(
          `select usename, ssl from pg_stat_activity join pg_stat_ssl using (pid) where datname = 'coordination'`,
        )
      ).map(({ usename, ssl }) => `${usename} ${ssl}`),
    );
    expect([...users]).toEqual(['coordination_app true']);
  });

  it('is told what is wrong when the ConfigMap has another authority', async () => {
    await writeFile(authority(), OTHER_AUTHORITY);
    const job = page.manifests.find(({ metadata }) => metadata.generateName === 'coordination-migrate-')!;
    await expect(runMigrations(environmentOf(job))).rejects.toThrow(/certificate/i);
    await writeFile(authority(), AUTHORITY);
    expect(await runMigrations(environmentOf(job))).toBe('The schema is up to date.');
  });
});
