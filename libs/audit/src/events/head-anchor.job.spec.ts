import { Logger } from '@nestjs/common';
import { type SchemaGate } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { BackgroundTasks } from '@coordination/observability';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../../test/support/time/eventually.js';
import { HeadAnchorJob } from './head-anchor.job.js';

const HEAD = { revision: 7, hash: 'a'.repeat(64), epoch: 'an-epoch', at: '2026-11-23T10:15:30.123Z' };
const HOUR_MS = 3_600_000;

const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
const head = vi.fn(() => Promise.resolve(HEAD));
const taskLog = { warn: vi.fn(), log: vi.fn() };

const aJob = (ready: Promise<void> = Promise.resolve(), everyMs = 10, audit = { head }) =>
  new HeadAnchorJob(audit, new BackgroundTasks(systemClock, taskLog), { opened: ready } as SchemaGate, { everyMs });

beforeEach(() => {
  vi.clearAllMocks();
});

describe('HeadAnchorJob', () => {
  it('logs the head at start and periodically until the end', async () => {
    const job = aJob();
    job.onApplicationBootstrap();
    await eventually(() => expect(head.mock.calls.length).toBeGreaterThanOrEqual(3));
    await job.onModuleDestroy();
    expect(log).toHaveBeenCalledWith(expect.objectContaining(HEAD));
  });

  it('waits for the schema', async () => {
    const ready = Promise.withResolvers<void>();
    const job = aJob(ready.promise, HOUR_MS);
    job.onApplicationBootstrap();
    expect(head).not.toHaveBeenCalled();
    ready.resolve();
    await eventually(() => expect(log).toHaveBeenCalledTimes(1));
    await job.onModuleDestroy();
  });

  it('continues after a read of the head has failed', async () => {
    const reads = [() => Promise.reject(new Error('away')), () => Promise.resolve(HEAD)];
    const job = aJob(undefined, 10, { head: vi.fn(() => (reads.shift() ?? head)()) });
    job.onApplicationBootstrap();
    await eventually(() => expect(log).toHaveBeenCalled());
    await job.onModuleDestroy();
    const [warned, recovered] = [taskLog.warn, taskLog.log].map(({ mock }) => mock.invocationCallOrder);
    expect(warned).toHaveLength(1);
    expect(recovered).toHaveLength(1);
    expect(warned![0]).toBeLessThan(recovered![0]!);
  });

  it('logs nothing when the application ends before the schema is there', async () => {
    const ready = Promise.withResolvers<void>();
    const job = aJob(ready.promise, HOUR_MS);
    job.onApplicationBootstrap();
    await job.onModuleDestroy();
    ready.resolve();
    await ready.promise;
    expect(head).not.toHaveBeenCalled();
  });
});
