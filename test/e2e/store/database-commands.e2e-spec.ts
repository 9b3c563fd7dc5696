import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { ROOT, runCommand } from '../../support/nodes/command.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { serversBelow } from '../../support/nodes/service-process.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

/** util-linux: runs a command at a terminal of its own. */
const SCRIPT = ['/usr/bin/script', '/bin/script'].find(existsSync);

type Env = Record<string, string>;

async function ask<Row extends object>(statement: string, url: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

const exists = async (table: string, url: string) =>
  (await ask<{ found: boolean }>(`select to_regclass('${table}') is not null as found`, url))[0]!.found;

/** Each test has a directory and an empty database of its own. The tests run at the same time, since they wait for processes. */
const it = test
  .extend('directory', ({ task: _task }, { onCleanup }): DisposableDirectory => {
    const directory = disposableDirectory();
    onCleanup(() => directory.remove());
    return directory;
  })
  .extend('database', async ({ task: _task }, { onCleanup }): Promise<TestDatabase> => {
    const database = await createTestDatabase({ migrated: false });
    onCleanup(() => database.drop());
    return database;
  })
  .extend('databaseName', ({ database }) => new URL(database.url).pathname.slice(1))
  .extend('own', ({ database }) => () => ({ DATABASE_URL: database.url }))
  .extend(
    'node',
    ({ directory }) =>
      (script: string, args: readonly string[], env: Env) =>
        runCommand([process.execPath, join(ROOT, script), ...args], { cwd: directory.path, env }),
  )
  .extend(
    'migrate',
    ({ node }) =>
      (env: Env, ...args: string[]) =>
        node('scripts/database.mjs', ['migrate', ...args], env),
  )
  .extend(
    'create',
    ({ node }) =>
      (env: Env, ...args: string[]) =>
        node('scripts/database.mjs', ['create', ...args], env),
  )
  .extend(
    'reset',
    ({ node }) =>
      (env: Env, ...args: string[]) =>
        node('scripts/database.mjs', ['reset', ...args], env),
  )
  .extend(
    'compact',
    ({ node }) =>
      (env: Env, ...args: string[]) =>
        node('scripts/audit-compact.mjs', args, env),
  )
  .extend(
    'atRoot',
    ({ own }) =>
      (command: readonly string[]) =>
        runCommand(command, { cwd: ROOT, env: own() }),
  )
  // A command of the container image, which has no scripts.
  .extend(
    'image',
    ({ directory }) =>
      (script: string, args: readonly string[], env: Env) =>
        runCommand(
          [process.execPath, '--import', join(ROOT, 'scripts/typescript.mjs'), join(ROOT, script)].concat(args),
          {
            cwd: directory.path,
            env: { NODE_ENV: 'production', ...env },
          },
        ),
  )
  .extend(
    'isMigrated',
    ({ database }) =>
      () =>
        exists('service_event', database.url),
  )
  .extend(
    'isKept',
    ({ database }) =>
      () =>
        exists('kept', database.url),
  )
  // Types an answer when a reset asks for it; the end of input where there is nothing to type.
  .extend('typing', ({ directory, own }) => async (text: string): Promise<{ code: unknown; output: string }> => {
    const command = `'${process.execPath}' '${join(ROOT, 'scripts/database.mjs')}' reset`;
    const terminal = spawn(SCRIPT!, ['-qec', command, '/dev/null'], {
      cwd: directory.path,
      env: { PATH: process.env['PATH'], ...own() },
      detached: true,
    });
    directory.owns(terminal.pid!);
    const ended = once(terminal, 'close');
    let output = '';
    terminal.stdout.on('data', chunk => (output += String(chunk)));
    await waitFor('the question', () => output.includes('Type the name of the database') || terminal.exitCode !== null);
    terminal.stdin.write(text === '' ? '\u0004' : `${text}\r`);
    const [code] = (await ended) as unknown[];
    return { code, output };
  })
  // No server was started, and no directory made.
  .extend('expectNothingMade', ({ directory }) => async () => {
    expect((await readdir(directory.path)).filter(entry => entry !== 'groups')).toEqual([]);
  });

describe.concurrent('Commands for a database server', () => {
  it('name the database before they act, without the password', async ({
    create,
    database,
    expectNothingMade,
    isMigrated,
    migrate,
    databaseName: name,
    own,
  }) => {
    const { hostname, port, username, password } = new URL(database.url);
    const line = `Database: ${name} at ${hostname}:${port}, role ${username}.`;
    for (const command of [migrate, create]) {
      const { code, out, err } = await command(own());
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out.split('\n')[0]).toBe(line);
      expect(out).not.toContain(password);
    }
    expect(await isMigrated()).toBe(true);
    await expectNothingMade();
  });

  it('name it also where they fail', async ({ database, migrate, databaseName: name }) => {
    const away = database.url.replace(/:\d+\//, ':1/');
    const { code, out, err } = await migrate({ DATABASE_URL: away });
    expect(code).toBe(1);
    expect(out).toContain(`Database: ${name} at 127.0.0.1:1, role postgres.`);
    expect(err).toContain('ECONNREFUSED');
  });

  it.for<[string, Env]>([
    ['a misspelt name', { DATABASE_URI: 'postgres://db.invalid/coordination' }],
    ['a misspelt prefix', { DATABSE_URL: 'postgres://db.invalid/coordination' }],
    ['a misspelt name of the owner', { DATABASE_MIGRATON_URL: 'postgres://db.invalid/coordination' }],
    ['a name of others', { POSTGRES_URL: 'postgres://db.invalid/coordination' }],
    ['a variable of libpq', { PGHOST: 'db.invalid' }],
    ['a URL under any name', { PRIMARY: 'postgres://db.invalid/coordination' }],
    ['a value that got lost', { DATABASE_URL: '' }],
    ['a URL for something else', { DATABASE_MAINTENANCE_URL: 'postgres://db.invalid/coordination' }],
    ['production', { NODE_ENV: 'production' }],
    ['a URL without a database', { DATABASE_URL: 'postgres://db.invalid' }],
  ])(
    'do not take the embedded one instead: %s',
    async ([_what, env], { create, expectNothingMade, migrate, reset }) => {
      const named = new RegExp(Object.keys(env)[0]!);
      for (const { code, out, err } of await Promise.all([migrate(env), create(env), reset(env, '--yes')])) {
        expect({ code, out }).toEqual({ code: 1, out: '' });
        expect(err).toMatch(named);
        expect(err.trim().split('\n')).toHaveLength(1);
      }
      await expectNothingMade();
    },
  );

  it('say what else the environment names, and go on', async ({
    database,
    isMigrated,
    migrate,
    databaseName: name,
    reset,
  }) => {
    const other = new URL(database.url);
    other.pathname = '/another';
    const env = {
      DATABASE_MIGRATION_URL: database.url,
      DATABASE_URL: other.href,
      DATABASE_PORT: 'tcp://10.0.0.1:5432',
    };
    const { code, out } = await migrate(env);
    expect(code).toBe(0);
    expect(out).toContain(`DATABASE_MIGRATION_URL names the database ${name}, DATABASE_URL names another`);
    expect(out).toMatch(/Ignored variables, .*DATABASE_PORT/);
    expect(out).not.toContain('10.0.0.1');
    const doubtful = await reset(env, '--yes');
    expect(doubtful.code).toBe(1);
    expect(doubtful.err).toContain(`--database ${name}`);
    expect(await isMigrated()).toBe(true);
  });

  it.for([
    [['migrate', '--verbose']],
    [['migrate', 'now']],
    [['migrate', '--yes']],
    [['reset', '--database']],
    [['reset', '--force']],
    [['drop']],
    [[]],
    [['toString']],
  ])('say how they are used when they are called with %j', async ([args = []], { isMigrated, node, own }) => {
    const { code, out, err } = await node('scripts/database.mjs', args, own());
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('Usage: npm run');
    expect(await isMigrated()).toBe(false);
  });
});

describe.concurrent('db-reset', () => {
  it.beforeEach(async ({ database }) => void (await ask('create table kept (answer int)', database.url)));

  it('asks for consent, and does nothing where nobody can give it', async ({
    isKept,
    databaseName: name,
    own,
    reset,
  }) => {
    const { code, out, err } = await reset(own());
    expect(code).toBe(1);
    expect(out).toContain(`Database: ${name} at`);
    expect(err).toContain(`add --database ${name}, or --yes`);
    expect(await isKept()).toBe(true);
  });

  it('does nothing where another database is named', async ({ isKept, databaseName: name, own, reset }) => {
    const { code, err } = await reset(own(), '--yes', '--database', 'coordination');
    expect(code).toBe(1);
    expect(err).toContain(`The database is ${name}, and not “coordination”`);
    expect(await isKept()).toBe(true);
  });

  it.for(['--yes', '--database'])(
    'makes the database anew with %s',
    async (flag, { isKept, isMigrated, databaseName: name, own, reset }) => {
      const { code, out } = await reset(own(), ...(flag === '--yes' ? [flag] : [flag, name]));
      expect(out).toContain(`Database ${name} dropped.`);
      expect(code).toBe(0);
      expect(await isKept()).toBe(false);
      expect(await isMigrated()).toBe(true);
    },
  );

  it('is refused in production, whatever is said', async ({ isKept, databaseName: name, own, reset }) => {
    const { code, err } = await reset({ ...own(), NODE_ENV: 'production' }, '--yes', '--database', name);
    expect(code).toBe(1);
    expect(err).toContain('NODE_ENV=production');
    expect(await isKept()).toBe(true);
  });

  it('gets its arguments through make and npm', async ({ atRoot, isKept, databaseName: name }) => {
    const made = await atRoot(['make', '--dry-run', 'db-reset', `ARGS=--database ${name}`]);
    const npm = made.out.trim().split('\n').at(-1)!.split(' ');
    expect(npm).toEqual(['npm', 'run', '--silent', 'db-reset', '--', '--database', name]);
    expect((await atRoot(npm.slice(0, -2))).err).toContain(`--database ${name}`);
    expect(await isKept()).toBe(true);
    expect((await atRoot(npm)).code).toBe(0);
    expect(await isKept()).toBe(false);
  });

  describe.runIf(SCRIPT !== undefined)('at a terminal', () => {
    it('asks for the name of the database, and takes nothing else', async ({ isKept, databaseName: name, typing }) => {
      for (const text of ['yes', 'y', name.toUpperCase(), '']) {
        const { code, output } = await typing(text);
        expect({ text, code }).toEqual({ text, code: 1 });
        expect(output).toContain('Type the name of the database');
        expect(output).toContain(`The database is ${name}, and not`);
        expect(await isKept()).toBe(true);
      }
      const { code, output } = await typing(name);
      expect(output).toContain(`Database ${name} dropped.`);
      expect(code).toBe(0);
      expect(await isKept()).toBe(false);
    });
  });
});

describe.concurrent('Commands for the embedded PostgreSQL', () => {
  it('take it where nothing speaks of a server, and where it is asked for; and name it first', async ({
    directory,
    isMigrated,
    migrate,
    own,
    reset,
  }) => {
    const place = join(directory.path, '.data/postgres');
    const links = { DATABASE_PORT: 'tcp://10.0.0.1:5432', DATABASE_SERVICE_HOST: '10.0.0.1' };
    const line = `Database: coordination of the embedded PostgreSQL in ${place}.`;
    const first = await migrate(links);
    expect(first.err).toBe('');
    expect(first.out.split('\n')[0]).toBe(line);
    expect(first.out).toContain('Migrations applied: ');
    const asked = await migrate({ ...own(), PGHOST: 'db.invalid' }, '--embedded');
    expect(asked.out).toContain(line);
    expect(asked.out).toContain('The schema is up to date.');
    expect(await isMigrated()).toBe(false);
    expect((await reset({})).err).toContain('add --database coordination, or --yes');
    expect((await reset({}, '--database', 'coordination')).out).toContain('Database coordination dropped.');
    expect(await serversBelow(directory.path)).toEqual([]);
  });

  it('start none in production', async ({ expectNothingMade, migrate, own }) => {
    const { code, err } = await migrate({ ...own(), NODE_ENV: 'production' }, '--embedded');
    expect(code).toBe(1);
    expect(err).toContain('the embedded PostgreSQL is for development');
    await expectNothingMade();
  });
});

describe.concurrent('audit-compact', () => {
  const retention = { PCS_AUDIT_RETENTION_DAYS: '30' };

  it('never takes the embedded PostgreSQL unless it is asked for', async ({
    compact,
    database,
    expectNothingMade,
    own,
  }) => {
    const misspelt = { DATABASE_MAINTENANCE_UR: database.url };
    const all: Env[] = [{}, misspelt, { DATABASE_MAINTENANCE_URL: '' }, own()];
    for (const { code, out, err } of await Promise.all(
      all.map(env => compact({ ...retention, ...env }, '--dry-run')),
    )) {
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain('DATABASE_MAINTENANCE_URL');
    }
    await expectNothingMade();
  });

  it('checks what it was told before it starts the embedded one', async ({
    compact,
    database,
    directory,
    expectNothingMade,
  }) => {
    const calls: [Env, string[]][] = [
      [retention, []],
      [retention, ['--dry-run', '--force']],
      [retention, ['--export-dir', join(directory.path, 'missing')]],
      [{}, ['--dry-run']],
      [{ ...retention, NODE_ENV: 'production', DATABASE_MAINTENANCE_URL: database.url }, ['--dry-run']],
    ];
    const ends = await Promise.all(calls.map(([env, args]) => compact(env, '--embedded', ...args)));
    expect(ends.map(({ code }) => code)).toEqual(calls.map(() => 1));
    await expectNothingMade();
  });

  it('names the database, the embedded one too', async ({
    compact,
    database,
    directory,
    migrate,
    databaseName: name,
    own,
  }) => {
    expect((await migrate(own())).code).toBe(0);
    const server = await compact({ ...retention, DATABASE_MAINTENANCE_URL: database.url }, '--dry-run');
    expect(server.out.split('\n')[0]).toContain(`Database: ${name} at `);
    expect(server.code).toBe(0);
    expect((await migrate({})).code).toBe(0);
    const embedded = await compact({ ...retention, ...own() }, '--embedded', '--dry-run');
    expect(embedded.out).toContain(`Database: coordination of the embedded PostgreSQL in ${directory.path}`);
    expect(embedded.out).toContain('Nothing to remove');
    expect(embedded.code).toBe(0);
  });
});

describe.concurrent('The commands of the image', () => {
  it('name the database, with the URL of one role alone', async ({ database, image, databaseName: name }) => {
    const migrated = await image('apps/coordination/src/migrate.ts', [], { DATABASE_MIGRATION_URL: database.url });
    expect(migrated.out.split('\n')[0]).toContain(`Database: ${name} at `);
    expect(migrated.code).toBe(0);
    const env = { PCS_AUDIT_RETENTION_DAYS: '30', DATABASE_MAINTENANCE_URL: database.url };
    const compacted = await image('apps/coordination/src/compact.ts', ['--dry-run'], env);
    expect(compacted.out.split('\n')[0]).toContain(`Database: ${name} at `);
    expect(compacted.code).toBe(0);
  });

  it('refuse what they do not know', async ({ image, isMigrated, own }) => {
    const { code, err } = await image('apps/coordination/src/migrate.ts', ['--embedded'], own());
    expect(code).toBe(1);
    expect(err).toContain('Usage: migrate.js');
    expect(await isMigrated()).toBe(false);
    expect((await image('apps/coordination/src/compact.ts', ['--embedded', '--dry-run'], own())).code).toBe(1);
    const misspelt = await image('apps/coordination/src/migrate.ts', [], { DATABASE_MIGRATION_UL: randomUUID() });
    expect(misspelt.err).toContain('did you mean DATABASE_MIGRATION_URL?');
  });
});
