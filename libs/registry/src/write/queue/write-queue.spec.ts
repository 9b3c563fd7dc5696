import { QueueFullError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { NO_STALLS, type StallRecord } from '@coordination/scheduling';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anOrigin, registerCommand } from '../../../../../test/support/catalog/factories.js';
import { type PendingWrite, weightOf } from './pending-write.js';
import { WriteQueue } from './write-queue.js';

const COMMAND = registerCommand();

/** A request of a client with so many commands; `own`: of the service itself. */
function pending(commands: number, client = '10.0.0.1', codes: unknown[] = []): PendingWrite {
  const origin = anOrigin(
    client === 'own' ? { source: 'system', clientAddress: null } : { source: 'api', clientAddress: client },
  );
  return {
    request: { commands: Array.from({ length: commands }, () => COMMAND), origin },
    resolve: () => undefined,
    reject: error => void codes.push((error as { code: string }).code),
    since: 0,
  };
}

const queueOf = (maxQueuedCommands: number, stalls: StallRecord = NO_STALLS): WriteQueue =>
  new WriteQueue({ maxQueuedCommands, maxBatchChanges: 1, headHoldLimitMs: 1 }, new Metrics(), stalls);

const weigh = (writes: readonly PendingWrite[]) => writes.reduce((sum, write) => sum + weightOf(write), 0);

const clientsOf = (writes: readonly PendingWrite[]) =>
  writes.map(({ request: { origin } }) => origin.clientAddress ?? 'own');

/** The batches into which a queue divides what it has. */
function batches(queue: WriteQueue, bound: number): PendingWrite[][] {
  const taken: PendingWrite[][] = [];
  while (!queue.isEmpty) taken.push(queue.take(bound));
  return taken;
}

describe('WriteQueue', () => {
  it.each([
    ['carries out a request that waited in vain only because this process was stalled', 60_000, []],
    ['rejects a request that waited as long while this process ran', 0, ['STORE_UNAVAILABLE']],
  ])('%s', async (_, stalledMs, rejected) => {
    const queue = queueOf(10, { stalledMsSince: () => stalledMs });
    const codes: unknown[] = [];
    queue.push({ ...pending(1, undefined, codes), since: performance.now() - 60_000 });
    let committed = 0;
    queue.drain(batch => {
      committed += batch.length;
      return Promise.resolve([]);
    });
    await queue.idle();
    expect(codes).toEqual(rejected);
    expect(committed).toBe(1 - rejected.length);
  });

  it('counts commands, and a request without any as one', () => {
    const queue = queueOf(10);
    queue.push(pending(2));
    queue.push(pending(3));
    queue.push(pending(0, 'own'));
    expect(queue.length).toBe(6);
    expect(queue.isEmpty).toBe(false);
    queue.take(100);
    expect(queue.length).toBe(0);
    expect(queue.isEmpty).toBe(true);
  });

  it('gives the requests of one client in the order of their arrival, whole, and at least one', () => {
    const queue = queueOf(100);
    const writes = [pending(5), pending(1), pending(2), pending(3)];
    for (const write of writes) queue.push(write);
    expect(batches(queue, 3)).toEqual([[writes[0]], [writes[1], writes[2]], [writes[3]]]);
    expect(queue.take(3)).toEqual([]);
  });

  it('commits batch after batch, and once more what a batch could not carry', async () => {
    const queue = new WriteQueue(
      { maxQueuedCommands: 10, maxBatchChanges: 3, headHoldLimitMs: 60_000 },
      new Metrics(),
      NO_STALLS,
    );
    const now = performance.now();
    const writes = [1, 1, 1, 1].map(commands => ({ ...pending(commands), since: now }));
    for (const write of writes) queue.push(write);
    const committed: PendingWrite[][] = [];
    queue.drain(batch => {
      committed.push(batch.slice(0, 2));
      return Promise.resolve(batch.slice(2));
    });
    await queue.idle();
    expect(committed).toEqual([writes.slice(0, 2), writes.slice(2)]);
  });
});

describe('The order of the write queue', () => {
  const EIGHT = 8;
  const BATCH_MAX = 512;
  const busy = (): WriteQueue => {
    const queue = queueOf(10_000);
    for (let n = 0; n < EIGHT; n++) queue.push(pending(1_000, '10.0.0.9'));
    return queue;
  };

  it.each([
    ['the end of a lease', 'own', 100],
    ['a registration of another client', '10.0.0.2', 1],
    ['a registration of another network of IPv6', '2001:db8:0:2::1', 1],
  ])('%s that arrives behind eight batches is in the next one', (_, client, commands) => {
    const queue = busy();
    queue.take(BATCH_MAX);
    const late = pending(commands, client);
    queue.push(late);
    expect(queue.take(BATCH_MAX)).toEqual([late]);
    expect(weigh(queue.take(BATCH_MAX)), 'and no batch is lost for the others').toBe(1_000);
  });

  it('addresses of one IPv6 network are one client', () => {
    const queue = queueOf(10_000);
    for (let n = 0; n < 3; n++) queue.push(pending(1_000, `2001:db8::${n + 1}`));
    queue.take(BATCH_MAX);
    const late = pending(1, '2001:db8::77');
    queue.push(late);
    const rest = batches(queue, BATCH_MAX).flat();
    expect(rest.at(-1)).toBe(late);
  });

  it('small requests of several clients and of the service share a batch', () => {
    const queue = queueOf(10_000);
    const writes = ['10.0.0.1', '10.0.0.2', 'own', '10.0.0.3', '10.0.0.1'].map(client => pending(1, client));
    for (const write of writes) queue.push(write);
    expect(queue.take(BATCH_MAX)).toHaveLength(5);
  });

  it('a client that always has large requests and one that always has small ones get equally many commands', () => {
    const queue = queueOf(1_000_000);
    for (let n = 0; n < 20; n++) queue.push(pending(1_000, '10.0.0.9'));
    for (let n = 0; n < 20_000; n++) queue.push(pending(1, '10.0.0.1'));
    const taken: Record<string, number> = { '10.0.0.9': 0, '10.0.0.1': 0 };
    for (let n = 0; n < 30; n++) {
      for (const write of queue.take(BATCH_MAX)) taken[write.request.origin.clientAddress!]! += weightOf(write);
    }
    const [large, small] = Object.values(taken) as [number, number];
    expect(Math.abs(large - small)).toBeLessThanOrEqual(2_000);
  });

  it.each(['own', 'ever new clients'])(
    'requests of %s, however many, do not keep a large one waiting for ever',
    who => {
      const queue = queueOf(10_000);
      const large = pending(1_000, '10.0.0.9');
      queue.push(large);
      let client = 0;
      const arrive = () => {
        for (let n = 0; n < 20; n++) queue.push(pending(1, who === 'own' ? 'own' : `10.1.0.${(client += 1)}`));
      };
      let waited = 0;
      for (arrive(); !queue.take(BATCH_MAX).includes(large); arrive()) waited += 1;
      expect(waited).toBe(4);
      const next = queue.take(BATCH_MAX);
      expect(next.length, 'the others share the next batch').toBeGreaterThan(0);
    },
  );

  it('a client has the rest of its turn in the next batch when there was no room for it', () => {
    const queue = queueOf(10_000);
    for (let n = 0; n < 200; n++) queue.push(pending(1, '10.0.0.1'));
    for (let n = 0; n < 200; n++) queue.push(pending(1, '10.0.0.2'));
    const counts: Record<string, number> = {};
    for (let n = 0; n < 20; n++) {
      for (const client of clientsOf(queue.take(10))) counts[client] = (counts[client] ?? 0) + 1;
    }
    const { '10.0.0.1': one, '10.0.0.2': other } = counts;
    expect(one! + other!).toBe(200);
    expect(Math.abs(one! - other!)).toBeLessThanOrEqual(64);
  });

  it('a new client with a small request before a large one is preferred for the small one only', () => {
    const queue = busy();
    const [small, large] = [pending(1, '10.0.0.1'), pending(1_000, '10.0.0.1')];
    queue.push(small);
    queue.push(large);
    expect(queue.take(BATCH_MAX)).toEqual([small]);
    expect(clientsOf(queue.take(BATCH_MAX))).toEqual(['10.0.0.9']);
    expect(queue.take(BATCH_MAX)).toEqual([large]);
  });

  it('what is put back comes in front of the others of its client, and its client is next', () => {
    const queue = queueOf(10_000);
    const [first, second, third] = [pending(2), pending(1), pending(1)];
    const other = pending(100, '10.0.0.2');
    queue.push(first);
    queue.push(second);
    queue.push(other);
    const taken = queue.take(3);
    expect(taken).toEqual([first, second]);
    queue.push(third);
    queue.putBack(taken);
    expect(queue.length).toBe(104);
    expect(batches(queue, 4).flat()).toEqual([first, second, third, other]);
  });

  it('requests of the service that are put back are still the first', () => {
    const queue = queueOf(10_000);
    const [death, later] = [pending(1, 'own'), pending(1, 'own')];
    const others = [pending(1, '10.0.0.1'), pending(1, '10.0.0.2')];
    for (const write of [death, ...others]) queue.push(write);
    const taken = queue.take(10);
    queue.push(later);
    queue.putBack(taken);
    expect(queue.take(10)).toEqual([death, later, ...others]);
  });
});

describe('The bound of the write queue', () => {
  it('refuses what would exceed it, and keeps what it has', () => {
    const queue = queueOf(4);
    queue.push(pending(3));
    expect(() => queue.push(pending(2))).toThrow(QueueFullError);
    queue.push(pending(1));
    expect(queue.length).toBe(4);
    expect(() => queue.push(pending(1))).toThrow('4 changes are waiting');
  });

  it.each(['10.0.0.1', 'own'])('takes a request of %s that is larger than it when nothing else waits', client => {
    const queue = queueOf(4);
    queue.push(pending(9, client));
    expect(queue.length).toBe(9);
    expect(() => queue.push(pending(1, client))).toThrow(QueueFullError);
  });

  it('that callers have reached refuses nothing of the service', () => {
    const queue = queueOf(4);
    queue.push(pending(4));
    queue.push(pending(4, 'own'));
    expect(queue.length).toBe(8);
  });

  it('makes one client that has filled it give way: its newest requests are rejected', async () => {
    const metrics = new Metrics();
    const queue = new WriteQueue({ maxQueuedCommands: 10, maxBatchChanges: 1, headHoldLimitMs: 1 }, metrics, NO_STALLS);
    queue.onModuleInit();
    const codes: unknown[] = [];
    const first = pending(4, '10.0.0.9', codes);
    queue.push(first);
    for (let n = 0; n < 3; n++) queue.push(pending(2, '10.0.0.9', codes));
    const late = pending(3, '10.0.0.1');
    queue.push(late);
    expect(codes).toEqual(['QUEUE_FULL', 'QUEUE_FULL']);
    expect(queue.length).toBe(9);
    const text = await metrics.text();
    expect(text).toContain('pcs_write_queue_displaced_total 2');
    expect(text).toContain('pcs_write_queue_commands 9');
    expect(queue.take(100)).toContain(first);
  });

  it('refuses a client that would have more than the largest then keeps, and rejects nobody for it', () => {
    const queue = queueOf(10);
    const codes: unknown[] = [];
    for (let n = 0; n < 5; n++) queue.push(pending(1, '10.0.0.9', codes));
    for (let n = 0; n < 5; n++) queue.push(pending(1, '10.0.0.1', codes));
    expect(() => queue.push(pending(1, '10.0.0.1'))).toThrow('10 changes are waiting');
    expect(() => queue.push(pending(6, '10.0.0.2'))).toThrow(QueueFullError);
    expect(codes).toEqual([]);
    expect(queue.length).toBe(10);
  });
});

describe('Whatever arrives and is taken', () => {
  interface Step {
    readonly client: string;
    readonly commands: number;
    readonly takes: number;
    readonly carries: number;
  }
  const step = fc.record({
    client: fc.constantFrom('own', '10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8::2'),
    commands: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 60, max: 200 })),
    takes: fc.integer({ min: 0, max: 2 }),
    carries: fc.integer({ min: 1, max: 4 }),
  });

  it('each request is committed once or rejected, in the order of its client, and bounds hold', () => {
    const BOUND = 400;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 300 }), (steps: Step[], batchMax) => {
        const queue = queueOf(BOUND);
        const accepted: PendingWrite[] = [];
        const out = new Set<PendingWrite>();
        const committed: PendingWrite[] = [];
        const commit = (carries: number) => {
          const batch = queue.take(batchMax);
          if (batch.length === 0) expect(queue.isEmpty).toBe(true);
          expect(batch.length <= 1 || weigh(batch) <= batchMax).toBe(true);
          committed.push(...batch.slice(0, carries));
          queue.putBack(batch.slice(carries));
        };
        for (const { client, commands, takes, carries } of steps) {
          const write: PendingWrite = { ...pending(commands, client), reject: () => void out.add(write) };
          try {
            queue.push(write);
            accepted.push(write);
          } catch (error) {
            expect(error).toBeInstanceOf(QueueFullError);
          }
          expect(queue.length).toBe(weigh(accepted) - weigh([...out]) - weigh(committed));
          for (let n = 0; n < takes; n++) commit(carries);
        }
        while (!queue.isEmpty) commit(3);
        expect(new Set(committed).size).toBe(committed.length);
        const kept = accepted.filter(write => !out.has(write));
        for (const client of ['own', '10.0.0.1', '10.0.0.2', '2001:db8::']) {
          const of = (writes: readonly PendingWrite[]) =>
            writes.filter(write => clientsOf([write])[0]!.startsWith(client));
          expect(of(committed)).toEqual(of(kept));
        }
        expect(queue.length).toBe(0);
      }),
    );
  });
});
