import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { INSTANCES } from '../../support/http/api.js';
import { ROOT, runCommand } from '../../support/nodes/command.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { OwnPostgres } from '../../support/database/own-postgres.js';
import { spawnNode } from '../../support/nodes/spawned-node.js';
import { waitFor } from '../../support/time/wait-for.js';

// Each test starts several processes one after the other.
vi.setConfig({ testTimeout: 240_000 });

let directory: DisposableDirectory;

beforeEach(() => {
  directory = disposableDirectory();
});
afterEach(() => directory.remove());

const PIECES = ['corr3ct', 'h0rse', 'batt3ry', 'st4ple'];
const UNENCODED = 'corr3ct@h0rse:batt3ry/st4ple#1';

function expectNoPiece(told: string): void {
  for (const piece of PIECES) expect(told).not.toContain(piece);
}

describe('A password that is not percent-encoded', () => {
  const url = `postgres://app:${UNENCODED}@db.example:5432/coordination`;
  const complaint =
    'DATABASE_URL has characters in its user or password that must be percent-encoded: ' +
    'write @ as %40, : as %3A, / as %2F, # as %23';

  it.each([
    ['the service', ['--import', join(ROOT, 'scripts/typescript.mjs'), join(ROOT, 'apps/coordination/src/main.ts')]],
    ['migrate', [join(ROOT, 'scripts/database.mjs'), 'migrate']],
    ['db-reset', [join(ROOT, 'scripts/database.mjs'), 'reset', '--yes']],
    ['make dev', [join(ROOT, 'scripts/dev.mjs')]],
    ['migrate.js', ['--import', join(ROOT, 'scripts/typescript.mjs'), join(ROOT, 'apps/coordination/src/migrate.ts')]],
  ])('ends %s with one line that says what to write', async (_what, command) => {
    const env = { DATABASE_URL: url, LOG_LEVEL: 'trace' };
    const { code, out, err } = await runCommand([process.execPath, ...command], { cwd: directory.path, env });
    expect(code).toBe(1);
    expect(`${out}${err}`.trim().split('\n')).toEqual([expect.stringContaining(complaint)]);
    expectNoPiece(out + err);
  });

  it('is not told by a command for another role either', async () => {
    const env = { DATABASE_MAINTENANCE_URL: url, PCS_AUDIT_RETENTION_DAYS: '2' };
    const script = join(ROOT, 'scripts/audit-compact.mjs');
    const { code, out, err } = await runCommand([process.execPath, script, '--dry-run'], { cwd: directory.path, env });
    expect(code).toBe(1);
    expect(err).toContain(complaint.replace('DATABASE_URL', 'DATABASE_MAINTENANCE_URL'));
    expectNoPiece(out + err);
  });
});

describe('A password that a server refuses', () => {
  it.each(['json', 'pretty'])('is told in no log (%s), no answer and no health', async format => {
    const postgres = await OwnPostgres.start();
    try {
      const { host, pathname } = new URL(postgres.url);
      const password = encodeURIComponent(UNENCODED);
      const file = join(directory.path, 'password');
      await writeFile(file, UNENCODED);
      const node = await spawnNode(directory, `postgres://postgres:${password}@127.0.0.1:1,${host}${pathname}`, {
        DATABASE_LISTEN_URL: `postgres://${host}${pathname}?user=postgres&password=${password}`,
        DATABASE_MIGRATION_URL: `postgres://owner@no-such-host.invalid,${host}${pathname}`,
        DATABASE_MIGRATION_PASSWORD_FILE: file,
        PCS_MIGRATE_ON_START: 'on',
        LOG_LEVEL: 'trace',
        LOG_FORMAT: format,
      });
      const { api, process: service } = node;
      interface Health {
        readonly details: { readonly database: { readonly lastError?: { readonly code?: string } } };
      }
      const health = () => api.get<Health>('/health');
      await waitFor(
        'the refusal is told',
        async () => (await health()).body.details.database.lastError?.code === '28P01',
      );
      await service.says(/password authentication failed for user/);
      const answers = await Promise.all([
        health(),
        api.get('/health/startup'),
        api.send('POST', INSTANCES, { service: 'orders', host: '10.0.0.1', port: 80 }),
        api.get('/api/v1/audit/events'),
        api.get('/metrics'),
      ]);
      for (const { headers, body } of answers) expectNoPiece(JSON.stringify([[...headers], body]));
      expect(answers[1].body).toMatchObject({
        details: { migrations: { status: 'down', lastError: { code: '28P01' } } },
      });
      expect(answers[2].status).toBe(503);
      service.signal('SIGTERM');
      await service.ended;
      expectNoPiece(service.output);
    } finally {
      await postgres.remove();
    }
  });
});
