// npm run audit-compact: removes events older than PCS_AUDIT_RETENTION_DAYS from the log, as the role of
// DATABASE_MAINTENANCE_URL; with --embedded, from the log in the embedded PostgreSQL.
import process from 'node:process';
import './typescript.mjs';

const { readSettings } = await import('../libs/config/src/read-settings.ts');
const { startEmbeddedPostgres } = await import('../libs/embedded-postgres/src/index.ts');
const { embeddedTarget } = await import('../apps/coordination/src/commands/command-target.ts');
const { assertCompactable, COMPACTION_USAGE, runCompaction } =
  await import('../apps/coordination/src/commands/run-compaction.ts');

const EMBEDDED = '--embedded';

/** Settings for servers do not apply to the embedded PostgreSQL. */
const WITHOUT_SERVER_SETTINGS = {
  DATABASE_URL: '',
  DATABASE_PASSWORD_FILE: '',
  DATABASE_MAINTENANCE_PASSWORD_FILE: '',
  DATABASE_SSL: '',
};

const say = line => process.stdout.write(`${line}\n`);

async function main(args) {
  if (!args.includes(EMBEDDED)) return await runCompaction(process.env, args, say);
  const others = args.filter(arg => arg !== EMBEDDED);
  const settings = readSettings(process.env);
  for (const line of embeddedTarget(settings).lines) say(line);
  await assertCompactable(process.env, others);
  const postgres = await startEmbeddedPostgres({ dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR, log: say });
  try {
    const env = { ...process.env, ...WITHOUT_SERVER_SETTINGS, DATABASE_MAINTENANCE_URL: postgres.url };
    return await runCompaction(env, others, say);
  } finally {
    await postgres.stop();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const message = error.message || error.code || String(error);
  process.stderr.write(`${message.replace(COMPACTION_USAGE, `${COMPACTION_USAGE} [${EMBEDDED}]`)}\n`);
  process.exitCode = 1;
}
