import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InstanceSpec } from '@coordination/catalog';
import { anIdentity, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
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

const register = (instanceId: string, spec: Partial<InstanceSpec> = {}) =>
  registerCommand({ identity: anIdentity({ instanceId }), spec: aSpec(spec) });

const numbered = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

describe('Large batches', () => {
  it('carry a request of 1,000 commands as one, though only 512 changes fit otherwise', async () => {
    const batches = node.batches.length;
    const [large, small] = await Promise.all([
      node.submit(...numbered(1_000, n => register(`large-${n}`))),
      node.submit(register('small')),
    ]);
    expect(node.batches.slice(batches)).toEqual([1_000, 1]);
    expect(large.results).toHaveLength(1_000);
    expect(small.revision).toBe(large.revision + 1);
  });

  it('end at so many changes, and the rest goes into the next one', async () => {
    const batches = node.batches.length;
    const answers = await Promise.all(numbered(1_300, n => node.submit(register(`many-${n}`))));
    expect(node.batches.slice(batches)).toEqual([512, 512, 276]);
    expect(answers.every(({ results: [result] }) => result!.outcome === 'created')).toBe(true);
  });

  it('end at so many bytes, counting what was there before, and answer everybody in turn', async () => {
    const batches = node.batches.length;
    const weighty = (n: number, mark: string) =>
      node.submit(register(`heavy-${n}`, { metadata: { text: mark.repeat(30_000) } }));
    const created = await Promise.all(numbered(150, n => weighty(n, 'a')));
    const updated = await Promise.all(numbered(150, n => weighty(n, 'b')));
    expect(node.batches.slice(batches).reduce((sum, changes) => sum + changes)).toBe(300);
    expect(
      node.batches.length - batches,
      '4 MiB are about 135 new instances, or 68 changed ones',
    ).toBeGreaterThanOrEqual(5);
    for (const answers of [created, updated]) {
      const revisions = answers.map(({ results: [result] }) => result!.leased!.instance.revision);
      expect(revisions, 'first come, first served').toEqual(revisions.toSorted((a, b) => a - b));
    }
    expect(updated.every(({ results: [result] }) => result!.outcome === 'updated')).toBe(true);
  });

  it('of one request are never split, whatever they weigh', async () => {
    const batches = node.batches.length;
    const text = 'c'.repeat(30_000);
    await node.submit(...numbered(150, n => register(`heavy-${n}`, { metadata: { text } })));
    expect(node.batches.slice(batches)).toEqual([150]);
  });
});
