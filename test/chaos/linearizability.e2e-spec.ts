import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { startContention } from '../support/laws/linearizability/contending-clients.js';
import { checkEachKey } from '../support/laws/linearizability/report.js';
import { SERVICE_MODEL } from '../support/laws/linearizability/service-model.js';
import { startFaults } from '../support/nodes/node-faults.js';
import { unhurried } from '../support/time/slowness.js';
import { type SpawnedNode, spawnLoadedNode } from '../support/nodes/spawned-node.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { waitFor } from '../support/time/wait-for.js';

const OPERATIONS = 2_000;
const FAULTS = 12;
/** How long (ms) all of that may take. */
const PATIENCE_MS = 540_000;

let directory: DisposableDirectory;
let database: TestDatabase;
let nodes: SpawnedNode[];

beforeAll(async () => {
  directory = disposableDirectory();
  database = await createTestDatabase();
  const env = { PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)) };
  nodes = await Promise.all([1, 2].map(() => spawnLoadedNode(directory, database.url, env)));
});
afterAll(async () => {
  await directory.remove();
  await database.drop();
});

describe('two nodes that are paused and cut off from the database, used by many', () => {
  it.each([Number(process.env['PROOF_SEED'] ?? 41)])('answer as one that has no faults (seed %i)', async seed => {
    const faults = startFaults(nodes, database, seed);
    const contention = startContention({
      apis: nodes.map(({ api }) => api),
      seed,
      clients: 10,
      services: 5,
      instancesPerService: 2,
      patienceMs: 1_000,
    });
    await waitFor(
      'enough was answered, and enough was broken',
      () => contention.answered() > OPERATIONS && faults.done.length > FAULTS,
      PATIENCE_MS,
    );
    await faults.stop();
    const histories = await contention.stop();
    const violations = checkEachKey(SERVICE_MODEL, histories);
    const story = `seed ${seed}, faults: ${faults.done.join(', ')}`;
    expect(violations.map(({ text }) => text).join('\n\n'), story).toBe('');
    await assertCatalogInvariants(database.url);
  });
});
