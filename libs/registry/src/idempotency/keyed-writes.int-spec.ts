import { isDeepStrictEqual } from 'node:util';
import { newId } from '@coordination/kernel';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import {
  anIdentity,
  anOrigin,
  aRepeatableCall,
  aSpec,
  registerCommand,
} from '../../../../test/support/catalog/factories.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { type Command } from '../domain/commands.js';
import { type WriteResult } from '../requests/write-request.js';

let database: TestDatabase;
let proxy: PostgresProxy;
/** Its connections go through the proxy. */
let node: WritingNode;
let other: WritingNode;
let client: Client;
let id = '';

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startWriter(proxy.url);
  other = await startWriter(database.url);
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await Promise.all([node.close(), other.close(), client.end()]);
  await proxy.shut();
  await database.drop();
});

beforeEach(async () => {
  const registered = await other.submit(registerCommand({ identity: anIdentity({ instanceId: newId() }) }));
  id = registered.results[0]!.leased!.instance.id;
});

afterEach(async () => {
  await assertCatalogInvariants(database.url);
});

const report = (output = 'slow', target = id): Command => ({
  kind: 'report-health',
  target: { id: target },
  report: { healthy: false, output },
});

const numbered = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

interface Asked {
  readonly by?: WritingNode;
  readonly actor?: string;
  /** Calls of other texts are other requests. */
  readonly text?: string;
  readonly onReplay?: () => void;
}

/** Submits commands as one request under a key. */
const submit = (
  key: string,
  commands: readonly Command[],
  { by = node, actor = 'anonymous', text, onReplay }: Asked = {},
) =>
  by.writer.submit({
    commands,
    origin: anOrigin({ actor, repeatable: aRepeatableCall(key, text ?? key, onReplay) }),
  });

/** What callers see of a result, without how it came about. */
const told = ({ results, revision, epoch, note }: WriteResult) => ({ results, revision, epoch, note });

/** What callers see of rejections. */
const seen = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map(result => {
    const { code, message, extras } = (result as PromiseRejectedResult).reason as Record<string, unknown>;
    return { code, message, extras };
  });

/** The first words of statements. */
const shapeOf = (statements: readonly string[]) =>
  statements.map(text => text.trim().split(/\s+/).slice(0, 3).join(' '));

/** The events of the instance since it was registered. */
const eventsOf = async (): Promise<number> => {
  const { rows } = await client.query('select from service_event where instance_uuid = $1 and version > 1', [id]);
  return rows.length;
};

describe('The same request under one key', () => {
  it('from many clients through two nodes at once has one effect, one event and one answer', async () => {
    let replays = 0;
    const answers = await Promise.all(
      numbered(60, n => submit('race', [report()], { by: n % 2 === 0 ? node : other, onReplay: () => replays++ })),
    );
    expect(await eventsOf()).toBe(1);
    for (const answer of answers) expect(told(answer)).toEqual(told(answers[0]!));
    expect(answers.filter(({ repeatsAfterMs }) => repeatsAfterMs === undefined)).toHaveLength(1);
    expect(replays, 'all callers but the first hear that it is not new').toBe(59);
  });

  it('of any kind is answered alike later, whatever has become of the instance', async () => {
    const fresh = registerCommand({ identity: anIdentity({ instanceId: newId() }) });
    const kinds: readonly (readonly Command[])[] = [
      [fresh],
      [{ ...fresh, id: newId() }],
      [{ kind: 'set-override', target: { id }, status: 'stopping', reason: 'ü"\\', until: null }],
      [{ kind: 'clear-override', target: { id } }],
      [{ kind: 'patch', target: { id }, patch: { metadata: { deep: [{ b: 1e-7, aa: null }], version: '3' } } }],
      [{ kind: 'patch', target: { id }, patch: {} }],
      [report('a'), report('b'), { kind: 'deregister', target: { id: newId() }, whenAbsent: 'ignore' }],
      [{ kind: 'deregister', target: { id } }],
    ];
    const first: WriteResult[] = [];
    for (const [n, commands] of kinds.entries()) first.push(await submit(`${id} ${n}`.replace(' ', '/'), commands));
    const { head } = await assertCatalogInvariants(database.url);
    for (const by of [other, node]) {
      const again = await Promise.all(kinds.map((commands, n) => submit(`${id}/${n}`, commands, { by })));
      expect(again.map(told)).toEqual(first.map(told));
      expect(again.every(({ repeatsAfterMs }) => repeatsAfterMs! >= 0)).toBe(true);
    }
    expect((await assertCatalogInvariants(database.url)).head).toEqual(head);
  });

  it('that named many large instances is answered alike, and its row is small all the same', async () => {
    const text = 'x'.repeat(10_000);
    const commands = numbered(300, n => {
      const spec = aSpec({ metadata: { text: `${text}${n}` } });
      return registerCommand({ identity: anIdentity({ instanceId: `large-${n}` }), spec });
    });
    // Megabytes in one batch: on a busy machine longer than the writer may take by default.
    const patient = await startWriter(database.url, { headHoldLimitMs: 30_000 });
    const first = await submit('large', commands, { by: patient });
    await patient.close();
    const again = await submit('large', commands, { by: other });
    expect(isDeepStrictEqual(told(again), told(first))).toBe(true);
    const { rows } = await client.query<{ bytes: number }>(
      `select pg_column_size(answer) as bytes from idempotency_key where key = 'large'`,
    );
    expect(rows[0]!.bytes).toBeLessThan(300 * 100);
  });

  it('that was rejected is rejected alike, also when it would succeed by now', async () => {
    const fresh = registerCommand({ identity: anIdentity({ instanceId: newId() }) });
    const stale: Command = { kind: 'patch', target: { id }, patch: { weight: 1 }, ifMatch: [7] };
    const asked = [
      ['gone', [report('x', fresh.id)]],
      ['stale', [stale]],
      ['taken', [{ ...fresh, mustBeNew: true }]],
    ] as const;
    await other.submit({ ...fresh, id: newId() });
    const first = await Promise.allSettled(asked.map(([key, commands]) => submit(`${id}/${key}`, commands)));
    await other.submit({ kind: 'deregister', target: { identity: fresh.identity } });
    await other.submit(fresh);
    await other.submit({ kind: 'deregister', target: { id: fresh.id } });
    const again = await Promise.allSettled(
      asked.map(([key, commands]) => submit(`${id}/${key}`, commands, { by: other })),
    );
    expect(seen(first).map(({ code }) => code)).toEqual([
      'INSTANCE_NOT_FOUND',
      'VERSION_MISMATCH',
      'ALREADY_REGISTERED',
    ]);
    expect(seen(again)).toEqual(seen(first));
  });

  it('of another actor is its own: nobody gets another one’s answer', async () => {
    await submit('mine', [report()], { actor: 'ada' });
    await submit('mine', [report()], { actor: 'bob' });
    expect(await eventsOf()).toBe(2);
  });

  it('counts as new when the time to keep it is over, deleted or not', async () => {
    await submit('old', [report()]);
    const age = `update idempotency_key set at = at - interval '23 hours 59 minutes' where key = 'old'`;
    await client.query(age);
    const late = await submit('old', [report()]);
    expect(late.repeatsAfterMs).toBeGreaterThan(23 * 3_600_000);
    await client.query(age);
    const anew = await submit('old', [report()]);
    expect([anew.repeatsAfterMs, await eventsOf()]).toEqual([undefined, 2]);
    expect(told(await submit('old', [report()]))).toEqual(told(anew));
    expect(await eventsOf()).toBe(2);
  });
});

describe('Another request under a used key', () => {
  it('has no effect and is told, in the same batch and later, through any node', async () => {
    const answers = await Promise.allSettled([
      submit('used', [report('a')], { text: 'a' }),
      submit('used', [report('b')], { text: 'b' }),
      submit('used', [report('a')], { text: 'a' }),
    ]);
    expect(answers).toMatchObject([
      { status: 'fulfilled' },
      { reason: { code: 'IDEMPOTENCY_MISMATCH' } },
      { status: 'fulfilled' },
    ]);
    const later = ['b', 'a', 'c'].map(text => submit('used', [report(text)], { text, by: other }));
    expect(await Promise.allSettled(later)).toMatchObject([
      { reason: { code: 'IDEMPOTENCY_MISMATCH' } },
      { value: told((answers[0] as PromiseFulfilledResult<WriteResult>).value) },
      { reason: { code: 'IDEMPOTENCY_MISMATCH' } },
    ]);
    expect(await eventsOf()).toBe(1);
    expect(other.reuses.filter(outcome => outcome === 'mismatch')).toHaveLength(2);
  });
});

describe('The statements of a batch', () => {
  it('are two more where a request has a key, and none more where none has', async () => {
    await submit('warm', [report()]);
    proxy.statements.length = 0;
    await node.submit(report());
    expect(shapeOf(proxy.statements)).toHaveLength(6);
    proxy.statements.length = 0;
    await Promise.all([...numbered(20, n => submit(`many-${id}-${n}`, [report()])), node.submit(report())]);
    const shape = shapeOf(proxy.statements);
    expect(shape).toHaveLength(8);
    expect([shape[2], shape[4]]).toEqual(['select distinct on', 'insert into idempotency_key']);
  });

  it('of repetitions write nothing, and read the log when the head is free again', async () => {
    await submit(`again-${id}`, [report()]);
    proxy.statements.length = 0;
    await Promise.all(numbered(20, () => submit(`again-${id}`, [report()])));
    expect(proxy.statements.join('\n')).not.toMatch(/\b(insert|update|delete)\b/i);
    const released = proxy.statements.findIndex(text => /^commit$/i.test(text));
    const read = proxy.statements.findIndex(text => text.includes('from service_event'));
    expect([released, read]).toEqual([4, expect.any(Number)]);
    expect(read).toBeGreaterThan(released);
  });
});

describe('An answer that cannot be told again', () => {
  it('because the log cannot be read: nothing happens, and the next try gets it', async () => {
    const first = await submit(`unread-${id}`, [report()]);
    const trap = proxy.intercept(/after from service_event/, 'before');
    const again = submit(`unread-${id}`, [report()]).catch((error: unknown) => error);
    await trap.reached;
    trap.cut();
    expect(await again).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(told(await submit(`unread-${id}`, [report()]))).toEqual(told(first));
    expect(await eventsOf()).toBe(1);
  });

  it('because its event is gone is a mistake of somebody, and keeps no others from their answers', async () => {
    const first = await submit(`well-${id}`, [report()]);
    await submit(`gone-${id}`, [report()]);
    await client.query(
      `update idempotency_key set answer = jsonb_set(answer, '{results,0,instance,revision}', '999999') where key = $1`,
      [`gone-${id}`],
    );
    const answers = await Promise.allSettled([submit(`gone-${id}`, [report()]), submit(`well-${id}`, [report()])]);
    expect(answers).toMatchObject([
      { reason: { message: expect.stringContaining('revision 999999') as string } },
      { value: told(first) },
    ]);
  });
});

describe('A request whose key cannot be made', () => {
  it('fails alone', async () => {
    const repeatable = {
      ...aRepeatableCall('k'),
      get fingerprint(): string {
        throw new TypeError('no canonical form');
      },
    };
    const bad = node.writer.submit({ commands: [report()], origin: anOrigin({ repeatable }) });
    const good = submit(`good-${id}`, [report()]);
    await expect(bad).rejects.toThrow('no canonical form');
    await expect(good).resolves.toMatchObject({ results: [{ outcome: 'updated' }] });
  });
});
