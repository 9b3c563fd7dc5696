import { type LeasedInstance } from '@coordination/catalog';
import { query } from '@coordination/database';
import { newId } from '@coordination/kernel';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someLeasedInstance } from '../../../../test/support/laws/arbitraries.js';
import { anIdentity, anInstance, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { OVERRIDE_OVER, ServiceInstanceRepository } from './service-instance.repository.js';
import { type InstanceChange } from './instance-change.js';

let database: TestDatabase;
let node: WritingNode;
const instances = new ServiceInstanceRepository();

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startWriter(database.url);
});

afterAll(async () => {
  await node.close();
  await database.drop();
});

const em = () => node.databases.em('reads');

const save = (changes: readonly InstanceChange[]) =>
  node.databases.em('writer').transactional(tx => instances.save(tx, changes, []));

const registered = async (instanceId: string, bytes = 0): Promise<LeasedInstance> => {
  const spec = aSpec({ metadata: { text: 'x'.repeat(bytes) } });
  const { results } = await node.submit(registerCommand({ identity: anIdentity({ instanceId }), spec }));
  return results[0]!.leased!;
};

describe('ServiceInstanceRepository', () => {
  it('finds an instance with its lease by id and by identity', async () => {
    const leased = await registered('a');
    expect(await instances.find(em(), { id: leased.instance.id })).toEqual(leased);
    expect(await instances.find(em(), { identity: anIdentity({ instanceId: 'a' }) })).toEqual(leased);
    expect(await instances.find(em(), { id: newId() })).toBeUndefined();
    expect(await instances.find(em(), { identity: anIdentity({ instanceId: 'nobody' }) })).toBeUndefined();
  });

  it('finds an instance together with the head of the log, and the head alone where there is none', async () => {
    const leased = await registered('at-head');
    const [head] = await query<object>(em(), 'select revision::float8 as revision, epoch from catalog_head');
    const here = { ...head, inRecovery: false };
    expect(await instances.findAtHead(em(), { id: leased.instance.id })).toEqual({ ...here, leased });
    const identity = anIdentity({ instanceId: 'at-head' });
    expect(await instances.findAtHead(em(), { identity })).toEqual({ ...here, leased });
    const nobody = { ...here, leased: undefined };
    expect(await instances.findAtHead(em(), { id: newId() })).toEqual(nobody);
    expect(await instances.findAtHead(em(), { identity: anIdentity({ instanceId: 'nobody' }) })).toEqual(nobody);
  });

  it('says which incarnation runs, of those ids that are those of instances', async () => {
    const { instance } = await registered('exists');
    expect(await instances.incarnations(em(), [newId(), instance.id])).toEqual({
      incarnations: new Map([[instance.id, null]]),
      inRecovery: false,
    });
    expect(await instances.incarnations(em(), [newId()])).toEqual({ incarnations: new Map(), inRecovery: false });
  });

  it('reads what is named until it weighs enough, and says where it stopped', async () => {
    const all = [await registered('w1', 9_000), await registered('w2', 9_000), await registered('w3', 9_000)];
    const targets = [...all.map(({ instance }) => ({ id: instance.id })), { id: newId() }];
    const read = (always: number, maxBytes: number) => instances.findNamed(em(), { targets, always, maxBytes });
    expect(await read(0, 1_000_000)).toEqual({ found: all, complete: 4 });
    expect(await read(0, 20_000)).toEqual({ found: all.slice(0, 2), complete: 2 });
    expect(await read(0, 0)).toEqual({ found: [], complete: 0 });
    expect(await read(2, 0), 'the first ones are read whatever they weigh').toEqual({
      found: all.slice(0, 2),
      complete: 2,
    });
  });

  it('gives an instance that is named twice once', async () => {
    const leased = await registered('twice');
    const targets = [{ id: leased.instance.id }, { identity: anIdentity({ instanceId: 'twice' }) }];
    expect((await instances.findNamed(em(), { targets, always: 2, maxBytes: 0 })).found).toEqual([leased]);
  });

  it('writes any instance and reads it as it was, also after everything of it has changed that can', async () => {
    const pairs = fc.array(fc.tuple(someLeasedInstance, someLeasedInstance), { minLength: 1, maxLength: 10 });
    const law = fc.asyncProperty(pairs, async drawn => {
      const written = drawn.map(([first, second]) => {
        const fixed = { id: newId(), ...anIdentity({ instanceId: newId() }) };
        const before = { ...first, instance: { ...first.instance, ...fixed } };
        const { registeredAt, version } = before.instance;
        const change = { ...fixed, registeredAt, version: version + 1, revision: Number.MAX_SAFE_INTEGER };
        return { before, after: { ...second, instance: { ...second.instance, ...change } } };
      });
      const targets = written.map(({ before }) => ({ id: before.instance.id }));
      const found = async () =>
        (await instances.findNamed(em(), { targets, always: targets.length, maxBytes: 0 })).found;
      await save(written.map(({ before }) => ({ before: undefined, after: before })));
      expect(await found()).toEqual(written.map(({ before }) => before));
      await save(written);
      expect(await found()).toEqual(written.map(({ after }) => after));
      await save(written.map(({ after }) => ({ before: after, after: undefined })));
      expect(await found()).toEqual([]);
    });
    await fc.assert(law, { numRuns: 25 });
  });

  it('refuses to write over a row that is not what the change was decided on', async () => {
    const before = await registered('raced');
    const older = { ...before, instance: { ...before.instance, version: 9 } };
    const after = { ...before, instance: { ...before.instance, weight: 1, version: 10 } };
    for (const change of [
      { before: older, after },
      { before: older, after: undefined },
      { before: { ...before, instance: anInstance() }, after: undefined },
    ]) {
      await expect(save([change])).rejects.toThrow('past the head of the log');
    }
    expect(await instances.find(em(), { id: before.instance.id })).toEqual(before);
  });

  it('lists overrides that have run out, the oldest first', async () => {
    const ids: string[] = [];
    for (const [n, until] of ['2026-01-02', '2026-01-01', '2999-01-01', null].entries()) {
      const { instance } = await registered(`override-${n}`);
      ids.push(instance.id);
      const override = {
        status: 'stopped',
        reason: null,
        until: until && `${until}T00:00:00.000Z`,
        setAt: '',
        setBy: '',
      };
      await query(em(), 'update service_instance set override = $1 where id = $2', [
        JSON.stringify(override),
        instance.id,
      ]);
    }
    expect(await instances.idsWithOverrideOver(em(), 10)).toEqual([ids[1], ids[0]]);
    expect(await instances.idsWithOverrideOver(em(), 1)).toEqual([ids[1]]);
  });

  it('finds overrides that have run out without looking at those that have not', async () => {
    const plan = await node.databases.em('reads').transactional(async tx => {
      // A table of tests is so small that reading all of it costs less.
      await query(tx, 'set local enable_seqscan = off');
      return await query<{ 'QUERY PLAN': string }>(tx, `explain ${OVERRIDE_OVER}`, [10]);
    });
    const text = plan.map(row => row['QUERY PLAN']).join('\n');
    expect(text).toMatch(/Index (?:Only )?Scan using service_instance_override_until_idx/);
    expect(text).toMatch(/Index Cond: .*<=/);
  });
});
