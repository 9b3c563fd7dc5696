import { afterAll, beforeAll, expect, it } from 'vitest';
import { type InstanceRecord } from '@coordination/catalog';
import { type Answer, INSTANCES, type LeasedView, named } from '../../../../test/support/http/api.js';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { type CatalogService, startCatalog } from '../../../../test/support/catalog/catalog-service.js';

const OVERRIDES = '/api/v1/registry/overrides';
const INSTANCES_AT_START = 60;
const ROUNDS = 12;

interface Result {
  readonly revision: number;
  readonly changed: number;
  readonly matched: number;
}

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2 });
});
afterAll(() => catalog.close());

const SPEC = { service: 'orders', host: '10.0.0.1', port: 8080, check: { kind: 'none' } };

/** Moves instances between two zones, and deregisters and registers some, until the end of the test. */
async function churn(worker: number, ended: () => boolean): Promise<void> {
  const { api } = catalog.nodes[worker % 2]!;
  for (let n = worker; !ended(); n += 3) {
    const name = `i-${n % INSTANCES_AT_START}`;
    if (n % 7 === 0) await api.send('DELETE', named(name));
    else if (n % 7 === 1) await api.send('POST', INSTANCES, { ...SPEC, instanceId: name, zone: 'a' });
    else await api.send('PATCH', named(name), { zone: n % 2 === 0 ? 'a' : 'b' });
  }
}

it('overrides of a zone cover the instances that are in it when they are decided, all or none, while instances move', async () => {
  await catalog.api.ok('POST', `${INSTANCES}/batch`, {
    instances: Array.from({ length: INSTANCES_AT_START }, (_, n) => ({
      ...SPEC,
      instanceId: `i-${n}`,
      zone: n % 2 === 0 ? 'a' : 'b',
    })),
  });
  // These stay in the zone, so that every override of the zone must cover them.
  const steady = await Promise.all(
    [0, 1, 2].map(n => catalog.api.register({ ...SPEC, instanceId: `steady-${n}`, zone: 'a' })),
  );
  let over = false;
  const churning = Promise.all([0, 1, 2].map(worker => churn(worker, () => over)));
  const answers: { readonly requestId: string; readonly answer: Answer<Result> }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const both = catalog.nodes.map(async ({ api }, node) => {
      const requestId = `round-${round}-${node}`;
      const headers = { 'x-request-id': requestId };
      const clears = (round + node) % 2 === 0;
      const answer = clears
        ? await api.send<Result>('DELETE', `${OVERRIDES}?zone=a`, undefined, headers)
        : await api.send<Result>(
            'PUT',
            OVERRIDES,
            { selector: { zone: 'a' }, status: 'stopped', reason: requestId },
            headers,
          );
      answers.push({ requestId, answer });
    });
    await Promise.all(both);
  }
  over = true;
  await churning;

  const { events } = await assertCatalogInvariants(catalog.database.url);
  for (const { requestId, answer } of answers) {
    expect(answer.status, requestId).toBe(200);
    const own = events.filter(event => event.requestId === requestId);
    expect(own.length, `${requestId}: as many events as it says`).toBe(answer.body.changed);
    expect(new Set(own.map(({ batchId }) => batchId)).size, `${requestId}: one transaction`).toBe(
      own.length > 0 ? 1 : 0,
    );
    for (const { before, revision } of own) {
      expect((before as InstanceRecord).zone, `revision ${revision}: what it changed was in the zone`).toBe('a');
    }
  }
  expectSteadyOnesToFollow(steady, events);
});

type Events = Awaited<ReturnType<typeof assertCatalogInvariants>>['events'];

/** Each transaction of an override leaves all the steady instances in the same state: none was missed. */
function expectSteadyOnesToFollow(steady: readonly LeasedView[], events: Events): void {
  const reasons = new Map(steady.map(({ id }) => [id, null as string | null]));
  for (const [n, event] of events.entries()) {
    const after = event.after as InstanceRecord | null;
    if (reasons.has(event.instanceUuid!) && after) reasons.set(after.id, after.override?.reason ?? null);
    const isLast = events[n + 1]?.batchId !== event.batchId || events[n + 1]?.requestId !== event.requestId;
    if (isLast && event.action.startsWith('instance.override')) {
      expect(new Set(reasons.values()).size, `after revision ${event.revision} they are alike`).toBe(1);
    }
  }
}
