import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { NotificationListener } from './notification-listener.js';

let database: TestDatabase;
let proxy: PostgresProxy;
let admin: Client;
let listener: NotificationListener;
let heard: string[];
/** What it said when its connection was lost. */
let troubles: () => readonly unknown[];
let listening: number;

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  [heard, listening] = [[], 0];
  const told = aToldTask('notification-listener');
  troubles = () => told.lines.filter(({ level }) => level === 'warn');
  listener = new NotificationListener({
    url: proxy.url,
    ssl: 'off',
    channel: 'news',
    onNotification: payload => heard.push(payload),
    onListening: () => void (listening += 1),
    task: told.task,
  });
  listener.start();
  await waitFor('it listens', () => listening === 1);
});

afterEach(async () => {
  await listener.stop();
  await proxy.shut();
  await admin.end();
  await database.drop();
});

const sessions = async () => {
  const { rows } = await admin.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name = 'platform-coordination listener'`,
  );
  return rows.map(({ pid }) => pid);
};

async function hearsAgain(): Promise<void> {
  await waitFor('it listens again', () => listening >= 2);
  await admin.query("notify news, 'after'");
  await waitFor('it hears', () => heard.includes('after'));
  await waitFor('one session is there', async () => (await sessions()).length === 1);
}

describe('The listener', () => {
  it('listens again, and says once what happened, when its connection is ended', async () => {
    const [pid] = await sessions();
    await admin.query('select pg_terminate_backend($1)', [pid]);
    await hearsAgain();
    expect(troubles()).toHaveLength(1);
  });

  it('listens again when the server says nothing for a while', async () => {
    proxy.setSilent(true);
    await waitFor('it notices', () => troubles().length > 0);
    proxy.setSilent(false);
    await hearsAgain();
  });

  it('listens again when the server was away', async () => {
    await proxy.shut();
    await waitFor('it notices', () => troubles().length > 0);
    await proxy.open();
    await hearsAgain();
  });

  it('ends although the server says nothing, and leaves no session', async () => {
    proxy.setSilent(true);
    await listener.stop();
    proxy.setSilent(false);
    await waitFor('no session is left', async () => (await sessions()).length === 0);
  });
});
