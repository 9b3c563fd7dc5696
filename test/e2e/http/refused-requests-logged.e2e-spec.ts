import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES } from '../../support/http/api.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { type SpawnedNode, spawnLoadedNode } from '../../support/nodes/spawned-node.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { unhurried } from '../../support/time/slowness.js';
import { waitFor } from '../../support/time/wait-for.js';

interface Line {
  readonly level: string;
  readonly context?: string;
  readonly msg: string;
  readonly status?: number;
  readonly code?: string;
  readonly because?: string;
  readonly requestId?: string;
  readonly requestIds?: readonly string[];
  readonly count?: number;
}

let directory: DisposableDirectory;
let database: TestDatabase;
let proxy: PostgresProxy;
let node: SpawnedNode;

beforeAll(async () => {
  directory = disposableDirectory();
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await spawnLoadedNode(directory, proxy.url, { PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)) });
});
afterAll(async () => {
  await node.process.kill();
  await proxy.shut();
  await database.drop();
  await directory.remove();
});

const REQUESTS = 400;
const CALLERS = 20;

/** What is logged of requests at the level that it has by default. */
function linesOfRequests(): Line[] {
  const lines = node.process.output.split('\n').filter(line => line.startsWith('{'));
  return lines
    .map(line => JSON.parse(line) as Line)
    .filter(({ context }) => context !== 'Tasks' && context !== 'Database');
}

describe('Requests that are refused while the database is away', () => {
  it('are all accounted for, by a few lines', async () => {
    const { api } = node;
    const instance = await api.register();
    await proxy.shut();
    const calls = [
      () => api.send('POST', INSTANCES, { service: 'orders', host: '10.0.0.1', port: 80 }),
      () => api.get('/api/v1/audit/events'),
      () => api.get(`${INSTANCES}/${instance.id}`),
      () => api.get('/api/v1/discovery/services/orders/instances?consistency=strong'),
    ];
    await waitFor('writes are refused', async () => (await calls[0]!()).status === 503);
    const from = linesOfRequests().length;
    let refused = 0;
    const ids = new Set<string>();
    const caller = async (number: number) => {
      for (let n = 0; n < REQUESTS / CALLERS; n++) {
        const answer = await calls[(number + n) % calls.length]!();
        expect(answer.status).toBe(503);
        ids.add(answer.headers.get('x-request-id')!);
        refused++;
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)));
    expect(refused).toBe(REQUESTS);
    node.process.signal('SIGTERM');
    expect(await node.process.ended).toMatchObject({ code: 0 });

    const later = linesOfRequests()
      .slice(from)
      .filter(({ level }) => level === 'warn' || level === 'error');
    // While it loaded the catalog it said STARTING.
    const lines = later.filter(({ status, code }) => status === 503 && code !== 'STARTING');
    expect(later.length, JSON.stringify(later)).toBeLessThan(REQUESTS / 10);
    for (const line of lines) {
      expect(line).toMatchObject({ level: 'warn', context: 'Http' });
      expect(['STORE_UNAVAILABLE', 'OUTCOME_UNKNOWN']).toContain(line.code);
      expect(line.because, JSON.stringify(line)).toBeDefined();
      expect(line.requestId ?? line.requestIds).toBeDefined();
    }
    const told = lines.reduce((sum, { count = 1 }) => sum + count, 0);
    expect(told, JSON.stringify(lines)).toBeGreaterThanOrEqual(REQUESTS);
    const named = lines.flatMap(({ requestId, requestIds }) => requestIds ?? [requestId!]);
    expect(named.some(id => ids.has(id))).toBe(true);
  });
});
