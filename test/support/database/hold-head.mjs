// A node that takes the head of the log as the writer does, and stops (SIGSTOP) while it holds it: between two
// statements ("idle"), or while a result that no socket buffer has room for is on its way to it ("receiving"). When it
// is woken (SIGCONT) it goes on as if nothing had been, and tells what came of it as one line of JSON.
//
//   node hold-head.mjs <database URL> idle|receiving <limit of holding the head, ms>

import { Client, Query } from 'pg';

const [url, how, limitMs] = process.argv.slice(2);
const ROWS = 100_000;
const ROW_BYTES = 2_000;

const stop = () => process.kill(process.pid, 'SIGSTOP');

/** Asks for 200 MB, and stops at the first row. */
function receive(client) {
  return new Promise((resolve, reject) => {
    const large = new Query(`select repeat('x', ${ROW_BYTES}) from generate_series(1, ${ROWS})`);
    let rows = 0;
    large.on('row', () => {
      rows += 1;
      if (rows === 1) stop();
    });
    large.on('end', resolve);
    large.on('error', reject);
    client.query(large);
  });
}

async function lateWrite(client) {
  if (how === 'receiving') await receive(client);
  else stop();
  await client.query("update catalog_head set revision = revision + 1, hash = repeat('f', 64)");
  await client.query('commit');
}

const client = new Client({ connectionString: url, application_name: 'holder of the head' });
client.on('error', () => undefined);
await client.connect();
await client.query('begin');
await client.query('select * from lock_catalog_head($1)', [Number(limitMs)]);
const outcome = await lateWrite(client).then(
  () => ({ committed: true }),
  error => ({ committed: false, error: String(error.code ?? error.message) }),
);
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit(0);
