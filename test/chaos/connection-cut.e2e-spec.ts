import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogNode, startNode } from '../support/catalog/catalog-service.js';
import { assertAnswersAreTrue, seeded, startMixedLoad } from '../support/http/mixed-load.js';
import { PostgresProxy } from '../support/database/postgres-proxy.js';
import { unhurried } from '../support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { waitFor } from '../support/time/wait-for.js';

const ROUNDS = 12;

let database: TestDatabase;
let proxy: PostgresProxy;
let node: CatalogNode;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startNode(proxy.url, { PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)) });
});
afterAll(async () => {
  await node.close();
  await proxy.shut();
  await database.drop();
});

/** What is done to the connection that is just about to commit, or has just committed without anybody knowing. */
const CUTS = [
  { name: 'before the commit reaches the server', when: 'before', server: true },
  { name: 'before it, and the server does not notice', when: 'before', server: false },
  { name: 'after it, before its answer comes back', when: 'after', server: true },
  { name: 'after it, and the server does not notice', when: 'after', server: false },
] as const;

describe('the connection cut around COMMIT, under load', () => {
  it.each([31, 32])('leaves every answer true (seed %i)', async seed => {
    const random = seeded(seed);
    const load = startMixedLoad({ apis: [new Api(node.url)], seed, clients: 12, names: 5 });
    for (let round = 0; round < ROUNDS; round++) {
      const before = load.acknowledged();
      await waitFor('the load goes on', () => load.acknowledged() > before + 10 + Math.floor(random() * 20));
      const { when, server } = CUTS[Math.floor(random() * CUTS.length)]!;
      const commit = proxy.intercept(/^commit/i, when);
      await commit.reached;
      commit.cut({ server });
    }
    const before = load.acknowledged();
    await waitFor('the load goes on by itself', () => load.acknowledged() > before + 50);
    await load.stop();
    const { events } = await assertCatalogInvariants(database.url);
    assertAnswersAreTrue(load.told, events, { faults: true });
    expect(
      load.told.filter(({ status }) => status === 0),
      'a caller was left without an answer',
    ).toEqual([]);
  });

  it('leaves every answer true when all connections are cut at any moment', async () => {
    const random = seeded(33);
    const load = startMixedLoad({ apis: [new Api(node.url)], seed: 33, clients: 12, names: 5 });
    for (let round = 0; round < ROUNDS; round++) {
      const before = load.acknowledged();
      await waitFor('the load goes on', () => load.acknowledged() > before + Math.floor(random() * 30));
      await proxy.shut();
      await proxy.open();
    }
    const before = load.acknowledged();
    await waitFor('the load goes on by itself', () => load.acknowledged() > before + 50);
    await load.stop();
    const { events } = await assertCatalogInvariants(database.url);
    assertAnswersAreTrue(load.told, events, { faults: true });
    expect(
      load.told.filter(({ status }) => status === 0),
      'a caller was left without an answer',
    ).toEqual([]);
  });
});
