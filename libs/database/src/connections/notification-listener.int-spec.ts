import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aToldTask, type ToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { NotificationListener } from './notification-listener.js';

let database: TestDatabase;
let told: ToldTask;
let listener: NotificationListener;
let heard: string[];
let begun: number;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
  told = aToldTask('notification-listener');
  heard = [];
  begun = 0;
});

afterEach(async () => {
  await listener.stop();
  for (const close of closing.splice(0)) await close();
  await database.drop();
});

function listen(url: string): void {
  listener = new NotificationListener({
    url,
    ssl: 'off',
    channel: 'news',
    task: told.task,
    onNotification: payload => heard.push(payload),
    onListening: () => (begun += 1),
  });
  listener.start();
}

async function notify(payload: string): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query('select pg_notify($1, $2)', ['news', payload]);
  await client.end();
}

/** A way to the database on which each connection is cut as soon as it listens. */
async function cutting(): Promise<string> {
  const url = new URL(database.url);
  const sockets = new Set<Socket>();
  const server: Server = createServer(client => {
    const onward = connect(Number(url.port), url.hostname);
    for (const socket of [client, onward]) sockets.add(socket.on('error', () => undefined));
    client.on('data', chunk => {
      onward.write(chunk);
      if (chunk.toString('latin1').includes('listen')) setImmediate(() => client.destroy());
    });
    onward.pipe(client);
    client.on('close', () => onward.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  url.port = String((server.address() as AddressInfo).port);
  return url.href;
}

describe('A listener', () => {
  it('works when its connection lasts, and tells of no connection that was lost once', async () => {
    listen(database.url);
    await waitFor('it works', () => told.task.lastSuccessAt);
    const admin = new Client({ connectionString: database.adminUrl });
    await admin.connect();
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [
      new URL(database.url).pathname.slice(1),
    ]);
    await admin.end();
    await waitFor('it listens again', () => begun === 2);
    await waitFor('it is over', () => told.lines.length === 2);
    expect(told.lines[0]!.msg).toContain('terminating connection due to administrator command');
    expect(told.task.trouble).toBeUndefined();
    await notify('hello');
    await waitFor('it hears', () => heard.includes('hello'));
  });

  it('fails while it is refused, with the reason, and works again by itself', async () => {
    const proxy = await PostgresProxy.start(database.url);
    closing.push(() => proxy.shut());
    await proxy.shut();
    listen(proxy.url);
    await waitFor('it is told', () => told.task.trouble);
    expect(told.task.trouble).toMatchObject({ lastError: expect.stringContaining('ECONNREFUSED') as string });
    await proxy.open();
    await waitFor('it works', () => !told.task.trouble);
    expect(told.lines.map(({ level }) => level)).toEqual(['warn', 'log']);
  });

  it('fails when each connection is closed as soon as it listens, and says so once, not each time', async () => {
    listen(await cutting());
    await waitFor('it is told', () => told.task.failures >= 5);
    expect(told.task.trouble).toBeDefined();
    expect(told.lines).toHaveLength(1);
  });
});
