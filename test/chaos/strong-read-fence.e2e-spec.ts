import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogNode, startNode } from '../support/catalog/catalog-service.js';
import { OwnPostgres } from '../support/database/own-postgres.js';
import { waitFor } from '../support/time/wait-for.js';

const STRONG = [
  '/api/v1/discovery/namespaces?consistency=strong',
  '/api/v1/discovery/services?consistency=strong&type=api',
  '/api/v1/discovery/instances?consistency=strong',
];

let postgres: OwnPostgres;
let admin: Client;
let fenced: CatalogNode;
let unfenced: CatalogNode;

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  fenced = await startNode(postgres.url, { PCS_STRONG_READ_FENCE: 'on' });
  unfenced = await startNode(postgres.url);
});
afterAll(async () => {
  await setStandby('');
  await fenced.close();
  await unfenced.close();
  await admin.end();
  await postgres.remove();
});

/** Makes commits wait for a standby of that name; without a name, for nobody. */
async function setStandby(name: string): Promise<void> {
  await admin.query(`alter system set synchronous_standby_names = '${name}'`);
  await admin.query('select pg_reload_conf()');
  await waitFor('the setting holds', async () => {
    const { rows } = await admin.query<{ synchronous_standby_names: string }>('show synchronous_standby_names');
    return rows[0]?.synchronous_standby_names === name;
  });
}

/** How many commits of the fence wait for the standby; other writers have theirs. */
async function hangingCommits(): Promise<number> {
  const { rows } = await admin.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where wait_event = 'SyncRep' and query like '%pg_logical_emit_message%'`,
  );
  return rows[0]!.count;
}

describe('a primary whose synchronous standby has left it, as that of a node which was replaced would', () => {
  it('answers strong reads through the fence while the standby is there', async () => {
    const { revision } = await unfenced.api.register();
    for (const path of STRONG) {
      const answer = await fenced.api.get(path);
      expect(answer.status).toBe(200);
      expect(answer.revision).toBeGreaterThanOrEqual(revision);
    }
    const { rows } = await admin.query<{ before: string }>('select pg_current_wal_insert_lsn()::text as before');
    await fenced.api.get(STRONG[0]!);
    const { rows: after } = await admin.query<{ grown: boolean }>(
      'select pg_current_wal_insert_lsn() > $1::pg_lsn as grown',
      [rows[0]!.before],
    );
    expect(after[0]!.grown, 'nothing was committed').toBe(true);
  });

  it('answers none when it is gone, and does not gather commits that hang; without the fence it does not notice', async () => {
    await setStandby('gone');
    try {
      for (let round = 0; round < 3; round++) {
        for (const { status, body } of await Promise.all(STRONG.map(path => fenced.api.get(path)))) {
          expect({ status, code: body.code }).toEqual({ status: 503, code: 'STORE_UNAVAILABLE' });
        }
      }
      // Those that hang do so until the standby is back, so a second one would stay.
      await waitFor('a commit hangs', async () => (await hangingCommits()) > 0);
      expect(await hangingCommits()).toBe(1);
      for (const path of STRONG) expect((await unfenced.api.get(path)).status).toBe(200);
      expect((await fenced.api.get('/api/v1/discovery/namespaces')).status).toBe(200);
    } finally {
      await setStandby('');
    }
    await waitFor('it answers again', async () => (await fenced.api.get(STRONG[0]!)).status === 200);
    await waitFor('none hangs any more', async () => (await hangingCommits()) === 0);
  });
});
