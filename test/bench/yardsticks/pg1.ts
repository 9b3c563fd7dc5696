import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { disposableDirectory } from '../../support/disposable-directory.js';
import { ask } from '../harness/bench-postgres.js';
import { registrationOf } from '../load/registration.js';

const run = promisify(execFile);

const CLIENTS = 50;
const METADATA = JSON.stringify(registrationOf('orders', 'orders-1', 1).metadata).replaceAll("'", "''");
const RECORD = JSON.stringify({ ...registrationOf('orders', 'orders-1', 1), status: 'healthy', version: 1 }).replaceAll(
  "'",
  "''",
);

/** The two rows of a registration, and nothing else of what the service does. */
const STATEMENTS = (service: string, name: string): readonly string[] => [
  `insert into service_instance (id, namespace, service, instance_id, type, scheme, host, port, zone, weight, metadata,
     check_terms, health, override, registered_at, updated_at, version, revision)
   values (gen_random_uuid(), 'default', 'service-' || ${service}, 'i-' || ${name}, 'api', 'http', '10.0.3.17', 8080, 'eu-1a', 100,
     '${METADATA}', '{"kind":"heartbeat","ttlSeconds":30,"deregisterAfterSeconds":900}',
     '{"state":"healthy","failures":0,"output":"","decidedBy":"registration","since":"2026-11-23T10-15-30.123Z"}', null,
     now(), now(), 1, 1)`,
  `insert into service_event (revision, at, action, namespace, service, instance_id, instance_uuid, actor, client_address,
     request_id, source, reason, batch_id, version, before, after, previous_hash, hash, hash_version)
   values (nextval('pg1'), now(), 'instance.registered', 'default', 'service-' || ${service}, 'i-' || ${name}, gen_random_uuid(),
     'anonymous', '127.0.0.1', gen_random_uuid()::text, 'api', null, gen_random_uuid(), 1, null, '${RECORD}', repeat('0', 64),
     repeat('0', 64), 1)`,
];

/** What PG1 was measured with. */
export type Pg1Tool = 'pgbench' | 'node';

/** Whether this machine has pgbench. */
export async function pg1Tool(): Promise<Pg1Tool> {
  return await run('pgbench', ['--version']).then(
    () => 'pgbench',
    () => 'node',
  );
}

/**
 * PG1: one registration row and one event row per transaction, in the same tables with the same indexes, without head,
 * lease or hash. @returns transactions per second
 */
export async function pg1(databaseUrl: string, seconds: number, tool: Pg1Tool): Promise<number> {
  await ask(databaseUrl, 'create sequence pg1 cache 100');
  return await (tool === 'pgbench' ? byPgbench(databaseUrl, seconds) : byNode(databaseUrl, seconds));
}

async function byPgbench(databaseUrl: string, seconds: number): Promise<number> {
  const directory = disposableDirectory();
  try {
    const file = join(directory.path, 'pg1.sql');
    const statements = STATEMENTS(':service', ':name').map(text => `${text.replaceAll(/\s+/g, ' ')};\n`);
    const variables = '\\set service random(1, 10000)\n\\set name random(1, 1000000000000)\n';
    await writeFile(file, `${variables}begin;\n${statements.join('')}commit;\n`);
    const { hostname, port, username, password, pathname } = new URL(databaseUrl);
    const { stdout } = await run(
      'pgbench',
      ['-n', '-M', 'prepared', '-c', String(CLIENTS), '-j', '2', '-T', String(seconds), '-f', file].concat([
        '-h',
        hostname,
        '-p',
        port,
        '-U',
        username,
        pathname.slice(1),
      ]),
      { env: { ...process.env, PGPASSWORD: decodeURIComponent(password) } },
    );
    const [, tps] = /^tps = ([\d.]+)/m.exec(stdout) ?? [];
    if (tps === undefined) throw new Error(`pgbench told no rate: ${stdout}`);
    return Number(tps);
  } finally {
    await directory.remove();
  }
}

async function byNode(databaseUrl: string, seconds: number): Promise<number> {
  const pool = new Pool({ connectionString: databaseUrl, max: CLIENTS });
  const [instance, event] = STATEMENTS('$1::text', '$2::text');
  const begun = performance.now();
  let transactions = 0;
  const client = async (number: number) => {
    const connection = await pool.connect();
    for (let n = 0; performance.now() - begun < seconds * 1_000; n++) {
      const values = [String(n % 10_000), `${number}-${n}`];
      await connection.query('begin');
      await connection.query({ name: 'instance', text: instance!, values });
      await connection.query({ name: 'event', text: event!, values });
      await connection.query('commit');
      transactions += 1;
    }
    connection.release();
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  const rate = transactions / ((performance.now() - begun) / 1_000);
  await pool.end();
  return rate;
}
