import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { aTask, aToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { HeadAnchorJob } from './head-anchor.job.js';

const HEAD = { revision: 7, hash: 'a'.repeat(64), epoch: 'an-epoch', at: '2026-11-23T10:15:30.123Z' };
const HOUR_MS = 3_600_000;

const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
const readHead = vi.fn(() => Promise.resolve(HEAD));

beforeEach(() => {
  vi.clearAllMocks();
});

describe('The anchor job', () => {
  it('notes the head at start and from time to time, until the end', async () => {
    const job = new HeadAnchorJob({ readHead, task: aTask('head-anchor'), ready: Promise.resolve(), everyMs: 10 });
    job.onApplicationBootstrap();
    await eventually(() => expect(readHead.mock.calls.length).toBeGreaterThanOrEqual(3));
    job.onModuleDestroy();
    expect(log).toHaveBeenCalledWith(expect.objectContaining(HEAD));
  });

  it('waits for the schema', async () => {
    const ready = Promise.withResolvers<void>();
    const job = new HeadAnchorJob({ readHead, task: aTask('head-anchor'), ready: ready.promise, everyMs: HOUR_MS });
    job.onApplicationBootstrap();
    expect(readHead).not.toHaveBeenCalled();
    ready.resolve();
    await eventually(() => expect(log).toHaveBeenCalledTimes(1));
    job.onModuleDestroy();
  });

  it('goes on when the head cannot be read once', async () => {
    const reads = [() => Promise.reject(new Error('away')), () => Promise.resolve(HEAD)];
    const { task, lines } = aToldTask('head-anchor');
    const job = new HeadAnchorJob({
      readHead: () => (reads.shift() ?? readHead)(),
      task,
      ready: Promise.resolve(),
      everyMs: 10,
    });
    job.onApplicationBootstrap();
    await eventually(() => expect(log).toHaveBeenCalled());
    job.onModuleDestroy();
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'log']);
  });

  it('notes nothing when the application ends before the schema is there', async () => {
    const ready = Promise.withResolvers<void>();
    const job = new HeadAnchorJob({ readHead, task: aTask('head-anchor'), ready: ready.promise });
    job.onApplicationBootstrap();
    job.onModuleDestroy();
    ready.resolve();
    await ready.promise;
    expect(readHead).not.toHaveBeenCalled();
  });
});
