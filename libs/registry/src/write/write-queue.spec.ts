import { QueueFullError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { NO_STALLS, type StallRecord } from '@coordination/scheduling';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anOrigin, registerCommand } from '../../../../test/support/catalog/factories.js';
import { type PendingWrite, WriteQueue } from './write-queue.js';

const pending = (commands: number): PendingWrite => ({
  request: { commands: Array.from({ length: commands }, () => registerCommand()), origin: anOrigin() },
  resolve: () => undefined,
  reject: () => undefined,
  since: 0,
});

const queueOf = (maxQueuedCommands: number, stalls: StallRecord = NO_STALLS): WriteQueue =>
  new WriteQueue({ maxQueuedCommands, maxBatchChanges: 1, headHoldLimitMs: 1 }, new Metrics(), stalls);

const weigh = (writes: readonly PendingWrite[]) =>
  writes.reduce((sum, { request }) => sum + request.commands.length, 0);

describe('WriteQueue', () => {
  it.each([
    ['carries out a request that waited in vain only because this process was stalled', 60_000, []],
    ['rejects a request that waited as long while this process ran', 0, ['STORE_UNAVAILABLE']],
  ])('%s', async (_, stalledMs, rejected) => {
    const queue = queueOf(10, { stalledMsSince: () => stalledMs });
    const codes: unknown[] = [];
    const reject = (error: unknown) => void codes.push((error as { code: string }).code);
    queue.push({ ...pending(1), reject, since: performance.now() - 60_000 });
    let committed = 0;
    queue.drain(batch => {
      committed += batch.length;
      return Promise.resolve();
    });
    await queue.idle();
    expect(codes).toEqual(rejected);
    expect(committed).toBe(1 - rejected.length);
  });

  it('counts commands, not requests', () => {
    const queue = queueOf(10);
    queue.push(pending(2));
    queue.push(pending(3));
    expect(queue.length).toBe(5);
    expect(queue.isEmpty).toBe(false);
    queue.take(100);
    expect(queue.length).toBe(0);
    expect(queue.isEmpty).toBe(true);
  });

  it('refuses what would exceed its bound, and keeps what it has', () => {
    const queue = queueOf(4);
    queue.push(pending(3));
    expect(() => queue.push(pending(2))).toThrow(QueueFullError);
    queue.push(pending(1));
    expect(queue.length).toBe(4);
    expect(() => queue.push(pending(1))).toThrow('4 changes are waiting');
  });

  it('takes a request that is larger than the bound when nothing else waits', () => {
    const queue = queueOf(4);
    queue.push(pending(9));
    expect(queue.length).toBe(9);
    expect(() => queue.push(pending(1))).toThrow(QueueFullError);
  });

  it('gives requests in the order of their arrival, whole, and at least one', () => {
    const queue = queueOf(100);
    const writes = [pending(5), pending(1), pending(2), pending(3)];
    for (const write of writes) queue.push(write);
    expect(queue.take(3)).toEqual([writes[0]]);
    expect(queue.take(3)).toEqual([writes[1], writes[2]]);
    expect(queue.take(3)).toEqual([writes[3]]);
    expect(queue.take(3)).toEqual([]);
  });

  it('puts back in front of all others', () => {
    const queue = queueOf(4);
    const [first, second, third] = [pending(2), pending(1), pending(1)];
    queue.push(first);
    queue.push(second);
    const taken = queue.take(10);
    queue.push(third);
    queue.putBack(taken);
    expect(queue.length).toBe(4);
    expect(queue.take(10)).toEqual([first, second, third]);
  });

  it('gives back everything that it took in, once and in order, however it is taken', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 8 }), (weights, bound) => {
        const queue = queueOf(1_000);
        const writes = weights.map(pending);
        for (const write of writes) queue.push(write);
        const out: PendingWrite[] = [];
        while (!queue.isEmpty) {
          const taken = queue.take(bound);
          expect(taken.length).toBeGreaterThan(0);
          expect(taken.length === 1 || weigh(taken) <= bound).toBe(true);
          out.push(...taken);
          expect(queue.length).toBe(weigh(writes) - weigh(out));
        }
        expect(out).toEqual(writes);
      }),
    );
  });
});
