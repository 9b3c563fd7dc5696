import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api } from '../support/http/api.js';
import { headOf } from '../support/catalog/catalog-service.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { startMixedLoad } from '../support/http/mixed-load.js';
import { unhurried } from '../support/time/slowness.js';
import { type SpawnedNode, spawnLoadedNode } from '../support/nodes/spawned-node.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { eventually } from '../support/time/eventually.js';
import { waitFor } from '../support/time/wait-for.js';

const POLL_MS = 300;
const STALENESS_LIMIT_SECONDS = 1;
/** Longer than every interval above; a minute and more can be tried by hand. */
const PAUSE_MS = Number(process.env['PROOF_PAUSE_MS'] ?? 2_500);
const ENV = {
  PCS_VIEW_POLL_MS: String(POLL_MS),
  PCS_STALENESS_LIMIT_SECONDS: String(STALENESS_LIMIT_SECONDS),
  PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)),
};
const QUESTIONS = [
  '/api/v1/discovery/namespaces',
  '/api/v1/discovery/services',
  '/api/v1/discovery/services/contended/instances',
  '/api/v1/discovery/services/contended/instances?status=any',
  '/api/v1/discovery/services/gone/instances?status=any',
  '/api/v1/discovery/services/nobody/instances',
  '/api/v1/discovery/instances?limit=1000',
];

let directory: DisposableDirectory;
let database: TestDatabase;
let admin: Client;
let nodes: [SpawnedNode, SpawnedNode];

const spawn = () => spawnLoadedNode(directory, database.url, ENV);

beforeAll(async () => {
  directory = disposableDirectory();
  database = await createTestDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  nodes = await Promise.all([spawn(), spawn()]);
});
afterAll(async () => {
  await admin.end();
  await directory.remove();
  await database.drop();
});

/** What a node answers, and the tags under which it does; a node without processor time is late to see that its view is fresh. */
async function answersOf(api: Api): Promise<unknown> {
  return await Promise.all(
    QUESTIONS.map(async path => {
      const { status, headers, body } = await api.get<unknown>(path);
      return { path, status, tag: headers.get('etag'), epoch: headers.get('x-catalog-epoch'), body };
    }),
  );
}

/** Waits until a node has the head, which it must come to by itself, and compares its answers. */
async function expectToAnswerAs(other: Api, api: Api): Promise<void> {
  const head = await headOf(other);
  for (const each of [api, other]) {
    await waitFor('the node has the head', async () => (await each.get(QUESTIONS[0]!)).revision >= head);
  }
  await eventually(async () => {
    const answers = await answersOf(other);
    expect(JSON.stringify(answers)).not.toContain('STALE_VIEW');
    expect(await answersOf(api)).toEqual(answers);
  });
}

async function changeTheCatalog(api: Api, seed: number): Promise<void> {
  const { id } = await api.register({ service: 'gone' });
  await startMixedLoad({ apis: [api], seed, clients: 5, names: 6, operations: 20 }).finished;
  await api.ok('DELETE', `/api/v1/registry/instances/${id}`);
}

describe('a node that missed something', () => {
  it('because its LISTEN connection was lost again and again answers like the others', async () => {
    const [writing, deaf] = nodes;
    const changing = changeTheCatalog(writing.api, 61);
    let killed = 0;
    const isDone = changing.then(() => true);
    while (!(await Promise.race([isDone, delay(20, false)]))) {
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query ilike 'listen%'`,
      );
      killed += rowCount ?? 0;
    }
    expect(killed, 'nothing was broken').toBeGreaterThan(1);
    await expectToAnswerAs(writing.api, deaf.api);
  });

  it(`because it was paused for ${PAUSE_MS} ms does not think itself fresh when it wakes, and answers like the others`, async () => {
    const [writing, paused] = nodes;
    paused.process.signal('SIGSTOP');
    const sleeping = delay(PAUSE_MS);
    // Asked while it sleeps, so that it answers before it has done anything else.
    const asked = paused.api.get(QUESTIONS[2]!);
    await changeTheCatalog(writing.api, 62);
    const head = await headOf(writing.api);
    await sleeping;
    paused.process.signal('SIGCONT');
    const { status, revision, body } = await asked;
    if (status === 200) expect(revision, 'it told what was, as if it were what is').toBeGreaterThanOrEqual(head);
    else expect(body).toMatchObject({ status: 503, code: 'STALE_VIEW' });
    await expectToAnswerAs(writing.api, paused.api);
  });

  it('because it started late answers like the others', async () => {
    const changing = changeTheCatalog(nodes[0].api, 63);
    const late = await spawn();
    await changing;
    await expectToAnswerAs(nodes[0].api, late.api);
  });
});
