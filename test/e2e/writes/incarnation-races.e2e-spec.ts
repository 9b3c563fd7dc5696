import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, INSTANCES, type LeasedView, LONG_LEASE, named, type Problem } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type CatalogService, eventsOf, startCatalog } from '../../support/catalog/catalog-service.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2 });
});
afterAll(async () => {
  await assertCatalogInvariants(catalog.database.url);
  await catalog.close();
});

/** What a process that is about to end may still send, late or again. */
const CALLS = {
  heartbeat: { method: 'PUT', below: '/heartbeat', body: undefined },
  bad: { method: 'POST', below: '/health-reports', body: { healthy: false, output: 'the old process' } },
  good: { method: 'POST', below: '/health-reports', body: { healthy: true } },
  stopping: { method: 'PUT', below: '/override', body: { status: 'stopping' } },
  clear: { method: 'DELETE', below: '/override', body: undefined },
  patch: { method: 'PATCH', below: '', body: { weight: 7 } },
  leave: { method: 'DELETE', below: '', body: undefined },
} as const;
type CallName = keyof typeof CALLS;

const spec = (instanceId: string, incarnation: string) => ({
  service: 'orders',
  instanceId,
  host: '10.0.0.1',
  port: 8080,
  check: LONG_LEASE,
  incarnation,
});

let round = 0;

/** An old process and the one that follows it, at the same time, through both nodes. */
const someRace = fc.record({
  before: fc.array(fc.constantFrom(...(Object.keys(CALLS) as CallName[])), { maxLength: 4 }),
  during: fc.array(fc.tuple(fc.constantFrom(...(Object.keys(CALLS) as CallName[])), fc.nat(1)), {
    minLength: 3,
    maxLength: 12,
  }),
  registers: fc.nat(12),
  onNode: fc.nat(1),
  status: fc.constantFrom('healthy', 'starting'),
});

describe('An old process', () => {
  it('changes nothing of the one that follows it, once that has been answered, whatever it sends and when', async () => {
    await fc.assert(
      fc.asyncProperty(someRace, async ({ before, during, registers, onNode, status }) => {
        const instanceId = `race-${round++}`;
        const call = (name: CallName, node: number): Promise<Answer<Problem>> => {
          const { method, below, body } = CALLS[name];
          return catalog.nodes[node]!.api.send(method, `${named(instanceId)}${below}?incarnation=old`, body);
        };
        await catalog.api.ok('POST', INSTANCES, spec(instanceId, 'old'));
        for (const name of before) if (name !== 'leave') await call(name, 0);

        const { api } = catalog.nodes[onNode]!;
        const follow = async () => await api.ok('POST', INSTANCES, { ...spec(instanceId, 'new'), status });
        const late: Promise<unknown>[] = [];
        let followed: Promise<LeasedView> | undefined;
        for (const [n, [name, node]] of during.entries()) {
          if (n === registers) followed = follow();
          late.push(call(name, node));
        }
        const answered = await (followed ?? follow());
        // What it sends now finds the other one, on any node and in any order.
        const after = await Promise.all(
          (Object.keys(CALLS) as CallName[]).map(async name => [name, (await call(name, 1 - onNode)).status] as const),
        );
        await Promise.all(late);

        const stored = await catalog.api.ok('GET', named(instanceId));
        expect([stored.id, stored.version, stored.incarnation]).toEqual([answered.id, answered.version, 'new']);
        expect(stored).toMatchObject({ status, override: null, weight: 100, health: { failures: 0, output: '' } });
        for (const [name, code] of after)
          expect([name, name === 'heartbeat' && code === 204 ? 409 : code]).toEqual([name, 409]);
        const events = await eventsOf(catalog.api, `instance=${stored.id}`);
        expect(events.at(-1)!.revision, 'nothing happened after it').toBe(answered.revision);
      }),
      { numRuns: 30 },
    );
  });

  it('does not come back between two that follow it: of many at once each is refused, or ended by the next', async () => {
    for (let n = 0; n < 5; n++) {
      const instanceId = `many-${n}`;
      const names = Array.from({ length: 8 }, (_, i) => `boot-${i}`);
      const answers = await Promise.all(
        [...names, ...names].map(async (incarnation, i) =>
          catalog.nodes[i % 2]!.api.send('POST', INSTANCES, spec(instanceId, incarnation)),
        ),
      );
      const stored = await catalog.api.ok('GET', named(instanceId));
      const events = await eventsOf(catalog.api, `instance=${stored.id}`);
      const order = events.map(({ after }) => (after as LeasedView).incarnation);
      expect(new Set(order).size, 'none began twice').toBe(order.length);
      expect(new Set(order)).toEqual(new Set(names));
      expect(stored).toMatchObject({ incarnation: order.at(-1), incarnationNumber: 8 });
      for (const { status, body } of answers) {
        if (status === 409) expect(body.code).toBe('INCARNATION_ENDED');
        else expect([200, 201]).toContain(status);
      }
    }
  });
});
