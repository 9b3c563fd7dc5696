// npm run migrate | db-create | db-reset, for the database of DATABASE_MIGRATION_URL or DATABASE_URL, else for the embedded one.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { assertConsent } from './reset-consent.mjs';
import './typescript.mjs';

const { readSettings } = await import('../libs/config/src/read-settings.ts');
const { administer, appRoleOf, migrate, placeOf } = await import('../libs/database/src/index.ts');
const { startEmbeddedPostgres } = await import('../libs/embedded-postgres/src/index.ts');
const { SCHEMA } = await import('../migrations/index.ts');
const { commandTarget } = await import('../apps/coordination/src/commands/command-target.ts');

const USAGE = `Usage: npm run migrate|db-create [-- --embedded]
       npm run db-reset -- [--embedded] [--yes | --database <its name>]`;

const say = line => process.stdout.write(`${line}\n`);

const COMMANDS = {
  async migrate(url, ssl) {
    const grantLines = [];
    const appRole = appRoleOf(readSettings(process.env));
    const done = await migrate(url, { schema: SCHEMA, ssl, appRole, log: line => grantLines.push(line) });
    say(done.length > 0 ? `Migrations applied: ${done.join(', ')}` : 'The schema is up to date.');
    for (const line of grantLines) say(line);
  },
  async create(url, ssl) {
    const name = placeOf(url).database;
    await administer(url, ssl, async client => {
      const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
      say(`Database ${name} ${found.rowCount === 0 ? 'created' : 'exists'}.`);
    });
    await COMMANDS.migrate(url, ssl);
  },
  async reset(url, ssl) {
    const name = placeOf(url).database;
    await administer(url, ssl, async client => {
      await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
      say(`Database ${name} dropped.`);
    });
    await COMMANDS.create(url, ssl);
  },
};

function readCommand([command, ...args]) {
  const embedded = { type: 'boolean' };
  const options = {
    migrate: { embedded },
    create: { embedded },
    reset: { embedded, yes: { type: 'boolean' }, database: { type: 'string' } },
  };
  try {
    if (!Object.hasOwn(options, command ?? '')) throw new Error(`Unknown command: ${command ?? '(none)'}.`);
    return { command, options: parseArgs({ args, options: options[command] }).values };
  } catch (error) {
    throw new Error(`${error.message}\n${USAGE}`, { cause: error });
  }
}

async function main(args) {
  const { command, options } = readCommand(args);
  const settings = readSettings(process.env);
  const target = commandTarget({ env: process.env, settings, isEmbeddedAsked: options.embedded === true });
  for (const line of target.lines) say(line);
  if (command === 'reset')
    await assertConsent(target, { ...options, isProduction: settings.NODE_ENV === 'production' });
  if (target.url !== undefined) return await COMMANDS[command](target.url, settings.DATABASE_SSL);
  const postgres = await startEmbeddedPostgres({ dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR, log: say });
  try {
    return await COMMANDS[command](postgres.url, 'off');
  } finally {
    await postgres.stop();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error.message || error.code || error}\n`);
  process.exitCode = 1;
}
