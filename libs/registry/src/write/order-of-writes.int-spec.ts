import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anIdentity, anOrigin, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
import { type WritingNode } from '../../../../test/support/catalog/writer.js';
import {
  createWrittenDatabase,
  PATIENT_WRITES,
  type WrittenDatabase,
} from '../../../../test/support/catalog/written-database.js';

let written: WrittenDatabase;
let node: WritingNode;

beforeAll(async () => {
  written = await createWrittenDatabase(PATIENT_WRITES);
  ({ node } = written);
});

afterAll(() => written.close());

const LARGE = 1_000;

const register = (instanceId: string) => registerCommand({ identity: anIdentity({ instanceId }) });

const batchOf = (name: string) => Array.from({ length: LARGE }, (_, n) => register(`${name}-${n}`));

describe('While one client has large batches waiting', () => {
  it('the service itself and other clients are next, and the batches keep their order', async () => {
    const large = anOrigin({ clientAddress: '10.0.0.9' });
    const batches = ['a', 'b', 'c', 'd'].map(name =>
      node.writer.submit({ commands: batchOf(name), origin: large }).then(({ revision }) => revision),
    );
    // The first batch is under way.
    await nextTurnOfLoop();
    const own = anOrigin({ source: 'system', actor: 'system:liveness', clientAddress: null });
    const [single, end] = await Promise.all([
      node.writer.submit({ commands: [register('single')], origin: anOrigin({ clientAddress: '10.0.0.1' }) }),
      node.writer.submit({
        commands: [{ kind: 'deregister', target: { identity: anIdentity({ instanceId: 'a-0' }) } }],
        origin: own,
      }),
    ]);
    const [first, ...others] = await Promise.all(batches);
    expect(first).toBe(LARGE);
    // Both share a batch, so they are answered with the same revision.
    expect([end.revision, single.revision]).toEqual([LARGE + 2, LARGE + 2]);
    expect(others).toEqual([2, 3, 4].map(n => n * LARGE + 2));
  });

  it('a request with a refused value is found, and the others of its client keep their order, whatever they weigh', async () => {
    const origin = anOrigin({ clientAddress: '10.0.0.9' });
    const poisoned = registerCommand({ identity: anIdentity({ instanceId: 'not a name' }) });
    // A quarter of the batch has more bytes than a transaction may carry.
    const spec = aSpec({ metadata: { text: 'x'.repeat(33_000) } });
    const others = Array.from({ length: 511 }, (_, n) =>
      registerCommand({ identity: anIdentity({ instanceId: `heavy-${n}` }), spec }),
    );
    const outcomes = await Promise.allSettled(
      [poisoned, ...others].map(command => node.writer.submit({ commands: [command], origin })),
    );
    const [refused, ...carried] = outcomes.map(outcome =>
      outcome.status === 'fulfilled' ? outcome.value.results[0]!.leased!.instance.revision : 'refused',
    );
    expect(refused).toBe('refused');
    expect(carried).toEqual(others.map((_, n) => (carried[0] as number) + n));
  });
});
