// Connects to a database in a process of its own, and prints how: TLS, clear, or the reason why it cannot.
//
//   node connect-once.mjs <database URL>

import process from 'node:process';
import '../../../scripts/typescript.mjs';

const { DatabaseClient } = await import('../../../libs/database/src/connections/database-client.ts');
const { pgOptions } = await import('../../../libs/database/src/connections/pg-options.ts');

const client = new DatabaseClient(pgOptions(process.argv[2], 'off'));
client.on('error', () => undefined);
try {
  await client.connect();
  const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
  process.stdout.write(rows[0].ssl ? 'TLS' : 'clear');
} catch (error) {
  process.stdout.write(error.code ?? error.message);
} finally {
  await client.end();
}
