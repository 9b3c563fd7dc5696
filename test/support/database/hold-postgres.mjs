// A process that holds a share in the embedded PostgreSQL of a directory, for tests that end such processes.
// Prints the URL on stdout and log lines on stderr; SIGTERM gives the share up.
import process from 'node:process';
import '../../../scripts/typescript.mjs';

const { startEmbeddedPostgres } = await import('../../../libs/embedded-postgres/src/embedded-postgres.ts');

const postgres = await startEmbeddedPostgres({
  dataDir: process.argv[2],
  log: line => process.stderr.write(`${line}\n`),
});
const keepAlive = setInterval(() => {}, 60_000);
process.once('SIGTERM', () => {
  clearInterval(keepAlive);
  void postgres.stop();
});
process.stdout.write(`${postgres.url}\n`);
