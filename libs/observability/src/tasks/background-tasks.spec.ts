import { setTimeout as delay } from 'node:timers/promises';
import { BACKGROUND_TASKS, type BackgroundTaskName, StoreUnavailableError } from '@coordination/kernel';
import { beforeEach, describe, expect, it } from 'vitest';
import { aToldTask, TestClock, type ToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { Metrics } from '../metrics.js';
import { FORGOTTEN_AFTER_MS, HANGS_AFTER_MS } from './background-task.js';
import { BackgroundTasks } from './background-tasks.js';
import { TaskMetrics } from './task-metrics.js';
import { SAY_EVERY_MS } from './trouble-lines.js';

const SECOND_MS = 1_000;

const denied = Object.assign(new Error('permission denied for table node_role'), { code: '42501' });

let clock: TestClock;

beforeEach(() => {
  clock = new TestClock();
});

const aTask = (name: BackgroundTaskName = 'lease-sweep'): ToldTask => aToldTask(name, clock);

describe('A background task', () => {
  it('is told of once it fails for the second time in a row, since the first', () => {
    const { task } = aTask();
    task.succeeded();
    clock.pass(SECOND_MS);
    task.failed(denied);
    expect(task.trouble).toBeUndefined();
    clock.pass(SECOND_MS);
    task.failed(new StoreUnavailableError({ cause: new Error('Connection terminated') }));
    expect(task.trouble).toEqual({
      task: 'lease-sweep',
      effect: BACKGROUND_TASKS['lease-sweep'].whileFailing,
      since: '2026-11-23T08:00:01.000Z',
      failuresInARow: 2,
      lastError: 'Connection terminated',
      sqlState: null,
      lastSuccessAt: '2026-11-23T08:00:00.000Z',
    });
    clock.pass(SECOND_MS);
    task.failed(denied);
    expect(task.trouble).toMatchObject({
      since: '2026-11-23T08:00:01.000Z',
      failuresInARow: 3,
      lastError: 'permission denied for table node_role',
      sqlState: '42501',
    });
  });

  it('is well again with the first success, and begins anew with the next failure', () => {
    const { task } = aTask();
    for (let n = 0; n < 3; n++) task.failed(denied);
    clock.pass(SECOND_MS);
    task.succeeded();
    expect(task.trouble).toBeUndefined();
    expect(task.lastSuccessAt).toEqual(clock.now());
    task.failed(denied);
    expect(task.trouble).toBeUndefined();
    clock.pass(SECOND_MS);
    task.failed(denied);
    expect(task.trouble).toMatchObject({ since: '2026-11-23T08:00:01.000Z', failuresInARow: 2 });
    expect(task.failures, 'those before count on').toBe(5);
  });

  it('says that it failed at once, then once a minute for as long as it fails, and then that it is over', () => {
    const { task, lines } = aTask();
    const minutes = 10;
    for (let second = 0; second < 60 * minutes; second++) {
      task.failed(denied);
      task.remind();
      clock.pass(SECOND_MS);
    }
    task.succeeded();
    expect(lines).toHaveLength(minutes + 1);
    expect(lines[0]).toMatchObject({ level: 'warn', task: 'lease-sweep', failuresInARow: 1, sqlState: '42501' });
    expect(lines[0]!.msg).toBe(
      'The task lease-sweep failed: permission denied for table node_role (SQLSTATE 42501). It is tried again. ' +
        `Meanwhile: ${BACKGROUND_TASKS['lease-sweep'].whileFailing}`,
    );
    expect(lines[1]!.msg).toContain('has failed 61 times in a row since 2026-11-23T08:00:00.000Z');
    expect(lines.at(-1)).toMatchObject({
      level: 'log',
      msg: 'The task lease-sweep works again; it had failed 600 times since 2026-11-23T08:00:00.000Z.',
    });
  });

  it('says it again also while no turn ends, because the next one is an hour away', () => {
    const { task, lines } = aTask('head-anchor');
    task.failed(denied);
    task.failed(denied);
    for (let second = 0; second < 180; second++) {
      task.remind();
      clock.pass(SECOND_MS);
    }
    expect(lines).toHaveLength(3);
  });

  it('says no more than two lines a minute when it fails and succeeds in turn', () => {
    const { task, lines } = aTask();
    for (let second = 0; second < 600; second++) {
      task.failed(denied);
      task.succeeded();
      clock.pass(SECOND_MS);
    }
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(10);
  });

  it('says nothing while all is well, and nothing again of a single failure', () => {
    const { task, lines } = aTask();
    for (let second = 0; second < 120; second++) {
      task.succeeded();
      clock.pass(SECOND_MS);
    }
    expect(lines).toEqual([]);
    task.failed(denied);
    clock.pass(SAY_EVERY_MS);
    task.remind();
    expect(lines).toHaveLength(1);
  });

  it('gives the stack of our own mistakes, and no other', () => {
    const { task, lines } = aTask();
    const mistake = new TypeError('x is not a function');
    task.failed(mistake);
    clock.pass(SAY_EVERY_MS);
    task.failed(denied);
    expect(lines.map(line => (line as { err?: unknown }).err)).toEqual([mistake, undefined]);
  });

  it('is told of when a turn hangs, until that ends', async () => {
    const { task, lines } = aTask();
    const hanging = Promise.withResolvers<void>();
    const turn = task.turn(() => hanging.promise);
    clock.pass(HANGS_AFTER_MS - 1);
    task.remind();
    expect(task.trouble).toBeUndefined();
    clock.pass(1);
    task.remind();
    expect(task.trouble).toMatchObject({
      since: '2026-11-23T08:00:00.000Z',
      failuresInARow: 0,
      lastError: 'A turn has not ended for more than 60 s',
    });
    clock.pass(SAY_EVERY_MS);
    task.remind();
    hanging.resolve();
    await turn;
    expect(task.trouble).toBeUndefined();
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'log']);
    expect(lines[0]!.msg).toContain('The task lease-sweep hangs: A turn has not ended');
    expect(lines[2]!.msg).toBe('The task lease-sweep works again; it had hung since 2026-11-23T08:00:00.000Z.');
  });

  it('does not hang as long as a turn comes further, however long it takes', async () => {
    const { task } = aTask();
    const ending = Promise.withResolvers<void>();
    let progress: (() => void) | undefined;
    const turn = task.turn(async tell => {
      progress = tell;
      await ending.promise;
    });
    for (let n = 0; n < 10; n++) {
      clock.pass(HANGS_AFTER_MS - 1);
      expect(task.trouble).toBeUndefined();
      progress?.();
    }
    clock.pass(HANGS_AFTER_MS);
    expect(task.trouble).toBeDefined();
    ending.resolve();
    await turn;
  });

  it('hangs with one of several turns, whatever becomes of the others', () => {
    const { task } = aTask('probe-reports');
    const hanging = task.begin();
    clock.pass(HANGS_AFTER_MS);
    task.begin().succeeded();
    expect(task.trouble).toBeDefined();
    hanging.dropped();
    expect(task.trouble).toBeUndefined();
  });

  it('tells of failures before a turn that hangs, since the first of them', () => {
    const { task } = aTask();
    task.failed(denied);
    clock.pass(SECOND_MS);
    task.begin();
    clock.pass(HANGS_AFTER_MS);
    expect(task.trouble).toMatchObject({ since: '2026-11-23T08:00:00.000Z', failuresInARow: 1, sqlState: '42501' });
  });

  it('counts each turn once, however often its end is told', () => {
    const { task } = aTask();
    const turn = task.begin();
    turn.failed(denied);
    turn.failed(denied);
    turn.succeeded();
    expect(task.failures).toBe(1);
    expect(task.lastSuccessAt).toBeUndefined();
  });

  it('no longer tells of what it has nothing to do with any more, and says so', () => {
    const { task, lines } = aTask();
    task.rests();
    for (let n = 0; n < 3; n++) task.failed(denied);
    task.rests();
    task.rests();
    expect(task.trouble).toBeUndefined();
    expect(lines.map(({ msg }) => msg).slice(1)).toEqual([
      'The task lease-sweep has nothing to do on this node now; it had failed 3 times since 2026-11-23T08:00:00.000Z.',
    ]);
  });

  it('that runs on demand is forgotten when nothing has followed its failures for a while', () => {
    const { task } = aTask('lease-revival');
    task.failed(denied);
    task.failed(denied);
    clock.pass(FORGOTTEN_AFTER_MS - 1);
    expect(task.trouble).toBeDefined();
    clock.pass(1);
    expect(task.trouble).toBeUndefined();
    task.failed(denied);
    expect(task.trouble, 'it begins anew').toBeUndefined();
    const { task: periodic } = aTask('role-election');
    periodic.failed(denied);
    periodic.failed(denied);
    clock.pass(FORGOTTEN_AFTER_MS);
    expect(periodic.trouble).toBeDefined();
  });

  it('passes on what a turn throws, and keeps to itself what an attempt throws', async () => {
    const { task } = aTask('probes');
    await expect(task.turn(() => Promise.reject(denied))).rejects.toBe(denied);
    expect(await task.turn(() => Promise.resolve(7))).toBe(7);
    task.attempt(() => {
      throw denied;
    });
    task.attempt(() => {
      throw denied;
    });
    expect(task.trouble).toMatchObject({ failuresInARow: 2 });
    task.attempt(() => undefined);
    expect(task.trouble).toBeUndefined();
  });

  it('does not count what fails because the node ends', async () => {
    const { task, lines } = aTask();
    const ending = new AbortController();
    const turn = task.turn(async () => {
      await delay(0);
      throw denied;
    }, ending.signal);
    ending.abort();
    await expect(turn).rejects.toBe(denied);
    expect([task.failures, task.trouble, lines]).toEqual([0, undefined, []]);
  });

  it('goes on after turns that fail, and within seconds where the usual pause is an hour', async () => {
    const { task } = aToldTask('head-anchor');
    const ending = new AbortController();
    let turns = 0;
    const turn = async () => {
      turns += 1;
      await delay(0);
      if (turns < 3) throw denied;
      return undefined;
    };
    const repeating = task.repeat(turn, { everyMs: 3_600_000, retryMs: 10, signal: ending.signal });
    // A repetition does not keep the process alive: something else must.
    await waitFor('the turn that succeeds', () => task.lastSuccessAt !== undefined);
    expect([turns, task.failures]).toEqual([3, 2]);
    ending.abort();
    await repeating;
  });
});

describe('All background tasks', () => {
  it('are measured from the start, each under its name', async () => {
    const metrics = new Metrics();
    const tasks = new BackgroundTasks(clock, { warn: () => undefined, log: () => undefined });
    new TaskMetrics(metrics, tasks).onModuleInit();
    const before = await metrics.text();
    for (const name of Object.keys(BACKGROUND_TASKS)) {
      expect(before).toContain(`pcs_background_task_failures_total{task="${name}"} 0\n`);
      expect(before).toContain(`pcs_background_task_failing{task="${name}"} 0\n`);
      expect(before).toContain(`pcs_background_task_last_success_timestamp_seconds{task="${name}"} 0\n`);
    }
    tasks.task('lease-flush').succeeded();
    for (let n = 0; n < 2; n++) tasks.task('lease-sweep').failed(denied);
    const after = await metrics.text();
    expect(after).toContain('pcs_background_task_failures_total{task="lease-sweep"} 2\n');
    expect(after).toContain('pcs_background_task_failing{task="lease-sweep"} 1\n');
    expect(after).toContain('pcs_background_task_failing{task="lease-flush"} 0\n');
    const at = clock.now().getTime() / SECOND_MS;
    expect(after).toContain(`pcs_background_task_last_success_timestamp_seconds{task="lease-flush"} ${at}\n`);
  });

  it('keep their troubles and their pace apart', () => {
    const lines: object[] = [];
    const write = (line: object) => void lines.push(line);
    const tasks = new BackgroundTasks(clock, { warn: write, log: write });
    for (let second = 0; second < 120; second++) {
      for (const task of tasks.all()) if (task.name !== 'lease-flush') task.failed(denied);
      tasks.task('lease-flush').succeeded();
      tasks.remind();
      clock.pass(SECOND_MS);
    }
    const failing = tasks.all().length - 1;
    expect(tasks.troubles()).toHaveLength(failing);
    expect(tasks.troubles().map(({ task }) => task)).not.toContain('lease-flush');
    expect(lines).toHaveLength(2 * failing);
  });
});
