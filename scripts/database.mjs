// npm run migrate | db-create | db-reset: for the database of DATABASE_URL, or else the embedded one.
import process from 'node:process';
import './typescript.mjs';

const { readSettings } = await import('../libs/config/src/settings.ts');
const { administer, migrate, startEmbeddedPostgres } = await import('../libs/database/src/index.ts');

const say = line => process.stdout.write(`${line}\n`);

const COMMANDS = {
  async migrate(url, ssl) {
    const done = await migrate(url, { ssl });
    say(done.length > 0 ? `Migrations applied: ${done.join(', ')}` : 'The schema is up to date.');
  },
  async create(url, ssl) {
    const name = decodeURIComponent(new URL(url).pathname.slice(1));
    await administer(url, ssl, async client => {
      const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
      say(`Database ${name} ${found.rowCount === 0 ? 'created' : 'exists'}.`);
    });
    await COMMANDS.migrate(url, ssl);
  },
  async reset(url, ssl) {
    const name = decodeURIComponent(new URL(url).pathname.slice(1));
    await administer(url, ssl, async client => {
      await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
      say(`Database ${name} dropped.`);
    });
    await COMMANDS.create(url, ssl);
  },
};

async function main(command) {
  const settings = readSettings(process.env);
  const given = settings.DATABASE_MIGRATION_URL ?? settings.DATABASE_URL;
  if (given !== undefined) return await COMMANDS[command](given, settings.DATABASE_SSL);
  const postgres = await startEmbeddedPostgres({ dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR, log: say });
  try {
    return await COMMANDS[command](postgres.url, 'off');
  } finally {
    await postgres.stop();
  }
}

try {
  await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`${error.message || error.code || error}\n`);
  process.exitCode = 1;
}
