import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { administer } from './administer.js';
import { ConnectionLostError } from '../locks/under-lock.js';

const LOCK = 'platform-coordination administration lock';
const WORKER = 'platform-coordination administration';

let url: string;
let admin: Client;

beforeEach(async () => {
  url = inject('testServer').adminUrl;
  admin = new Client({ connectionString: url });
  await admin.connect();
});

afterEach(() => admin.end());

/** Something that takes longer than anybody waits for. */
const lasting = (at = url) =>
  administer(at, 'off', client => client.query('select pg_sleep(600)')).then(
    () => expect.unreachable('it ended well'),
    (error: unknown) => error as Error,
  );

const sessions = async (state: string) => {
  const { rows } = await admin.query<{ name: string }>(
    `select application_name as name from pg_stat_activity
     where application_name like 'platform-coordination administration%' and state ~ $1`,
    [state],
  );
  return rows.map(({ name }) => name);
};

const works = () => waitFor('it works', async () => (await sessions('active')).includes(WORKER));
const nothingIsLeft = () => waitFor('no session is left', async () => (await sessions('')).length === 0);

describe('What is done in the database of the server itself', () => {
  it.each([
    ['the lock', LOCK],
    ['its work', WORKER],
  ])('ends with an error when the connection of %s is ended, and leaves nothing on the server', async (_what, name) => {
    const doing = lasting();
    await works();
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [name]);
    const error = await doing;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error.message).toContain('so the change of databases was stopped.');
    await nothingIsLeft();
  });

  it('ends when the server says nothing any more', async () => {
    const proxy = await PostgresProxy.start(url);
    const doing = lasting(proxy.url);
    await works();
    proxy.setSilent(true);
    expect((await doing).message).toContain('the server has not answered for 10 s');
    proxy.setSilent(false);
    await nothingIsLeft();
    await proxy.shut();
  });

  it('is done by one at a time', async () => {
    let underWay = 0;
    const most: number[] = [];
    const once = () =>
      administer(url, 'off', async client => {
        underWay += 1;
        most.push(underWay);
        await client.query('select pg_sleep(0.1)');
        underWay -= 1;
      });
    await Promise.all([once(), once(), once()]);
    expect(most).toEqual([1, 1, 1]);
    await nothingIsLeft();
  });
});
