// npm run audit-compact: removes what is older than PCS_AUDIT_RETENTION_DAYS from the log, as the role of
// DATABASE_MAINTENANCE_URL; without any URL, from the embedded one.
import process from 'node:process';
import './typescript.mjs';

const { readSettings } = await import('../libs/config/src/settings.ts');
const { startEmbeddedPostgres } = await import('../libs/database/src/index.ts');
const { runCompaction } = await import('../apps/coordination/src/run-compaction.ts');

const say = line => process.stdout.write(`${line}\n`);

async function main(args) {
  const settings = readSettings(process.env);
  if (settings.DATABASE_MAINTENANCE_URL !== undefined || settings.DATABASE_URL !== undefined) {
    return await runCompaction(process.env, args, say);
  }
  const postgres = await startEmbeddedPostgres({ dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR, log: say });
  try {
    return await runCompaction({ ...process.env, DATABASE_MAINTENANCE_URL: postgres.url }, args, say);
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
