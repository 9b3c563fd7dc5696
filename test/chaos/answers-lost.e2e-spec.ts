import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Api, INSTANCES, named } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogService, startCatalog } from '../support/catalog/catalog-service.js';
import { seeded } from '../support/http/mixed-load.js';

const CLIENTS = 20;
/** More with PROOF_ROUNDS, for a longer proof. */
const OPERATIONS = Number(process.env['PROOF_ROUNDS'] ?? 12);
const NAMES = 6;
/** Clients lose patience after at most so many milliseconds: sometimes before, sometimes after the change has happened. */
const PATIENCE_MS = 40;
/** On a slow machine that is as long as an answer takes, or hardly a change would happen before its caller has lost patience. */
let patienceMs: number;
const TRIES = 200;

let catalog: CatalogService;

beforeEach(async () => {
  catalog = await startCatalog({ nodes: 2 });
  const begun = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, () => catalog.api.get(named('nobody'))));
  patienceMs = Math.max(PATIENCE_MS, performance.now() - begun);
});
afterEach(() => catalog.close());

const SPEC = { host: '10.0.0.1', port: 80, check: { kind: 'none' } };

/** What is asked for; each is a change whenever it is carried out and its instance is there. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

function ask(pick: (choices: number) => number, unique: string): Asked {
  const path = named(`i-${pick(NAMES)}`);
  switch (pick(6)) {
    case 0:
      return { method: 'PUT', path, body: { ...SPEC, metadata: { unique } } };
    case 1:
      return { method: 'PATCH', path, body: { metadata: { unique } } };
    case 2:
      return { method: 'POST', path: `${path}/health-reports`, body: { healthy: false, output: unique } };
    case 3:
      return { method: 'PUT', path: `${path}/override`, body: { status: 'stopping', reason: unique } };
    case 4:
      return { method: 'POST', path: INSTANCES, body: { ...SPEC, service: 'orders', instanceId: unique } };
    default:
      return { method: 'DELETE', path };
  }
}

/** Sends until there is an answer, to any node; every try has a request id of its own that names the request. */
async function sendUntilAnswered(random: () => number, asked: Asked, key: string): Promise<Answer<unknown>> {
  for (let n = 0; n < TRIES; n++) {
    const { api } = catalog.nodes[Math.floor(random() * 2)] as { api: Api };
    const headers = { 'idempotency-key': key, 'x-request-id': `${key}.${n}` };
    // The last ones are patient, so that a slow machine does not fail the test.
    const signal = AbortSignal.timeout(n < 5 ? 1 + Math.floor(random() * patienceMs) : 60_000);
    const answer = await api
      .send<unknown>(asked.method, asked.path, asked.body, headers, signal)
      .catch(() => undefined);
    if (answer && answer.status !== 503) return answer;
  }
  throw new Error(`${key} was never answered.`);
}

describe('clients that get no answer and ask again', () => {
  it.each([1, 2])('have made each change once, and are told of that one (seed %i)', async seed => {
    const answers = new Map<string, Answer<unknown>>();
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        const random = seeded(seed * 1_000 + client);
        const pick = (choices: number) => Math.floor(random() * choices);
        for (let n = 0; n < OPERATIONS; n++) {
          const key = `k-${client}-${n}`;
          answers.set(key, await sendUntilAnswered(random, ask(pick, key), key));
        }
      }),
    );
    const { events } = await assertCatalogInvariants(catalog.database.url);
    const byKey = Map.groupBy(events, ({ requestId }) => requestId!.split('.')[0]!);
    let replayed = 0;
    for (const [key, { status, headers, revision }] of answers) {
      const made = byKey.get(key) ?? [];
      const isDone = status < 300;
      expect(isDone || status === 404, `${key} was answered ${status}`).toBe(true);
      expect(made.length, `${key} was answered ${status}: events`).toBe(isDone ? 1 : 0);
      if (isDone) expect(revision).toBeGreaterThanOrEqual(made[0]!.revision);
      if (headers.get('idempotency-replayed') === 'true') replayed++;
    }
    expect(replayed, 'some answers were lost after the change had happened').toBeGreaterThan(0);
    expect([...byKey.keys()].every(key => answers.has(key))).toBe(true);
  });
});
