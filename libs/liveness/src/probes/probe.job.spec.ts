import { type ChangeFeed } from '@coordination/catalog';
import { type BackgroundTaskName } from '@coordination/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aToldTask, type ToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { ProbeJob } from './probe.job.js';
import { type ProbeScheduler } from './schedule/probe-scheduler.js';
import { type ProbeShares } from './share/probe-shares.js';

let tasks: Record<'probes' | 'probe-shares', ToldTask>;
let failing: 'tick' | 'refresh' | undefined;
let job: ProbeJob;

const unless = (name: typeof failing) => () => {
  if (failing === name) throw new TypeError(`${name} has a mistake`);
};

beforeEach(() => {
  failing = undefined;
  tasks = { probes: aToldTask('probes'), 'probe-shares': aToldTask('probe-shares') };
  job = new ProbeJob(
    { follow: () => () => undefined } as unknown as ChangeFeed,
    { rebuild: () => undefined, refresh: unless('refresh') } as unknown as ProbeShares,
    { tick: unless('tick'), dropAll: () => undefined } as unknown as ProbeScheduler,
    { task: (name: BackgroundTaskName) => tasks[name as keyof typeof tasks].task },
  );
  job.onApplicationBootstrap();
});

afterEach(() => job.onModuleDestroy());

describe('The job of probes', () => {
  it.each([
    ['tick', 'probes', 'probe-shares'],
    ['refresh', 'probe-shares', 'probes'],
  ] as const)('continues when %s throws, and reports it for the right task', async (mistake, bad, good) => {
    failing = mistake;
    await waitFor('it is reported', () => tasks[bad].task.trouble);
    expect(tasks[bad].task.trouble).toMatchObject({ lastError: `${mistake} has a mistake` });
    expect(tasks[good].task.trouble).toBeUndefined();
    failing = undefined;
    await waitFor('it is over', () => !tasks[bad].task.trouble);
    expect(tasks[bad].lines.map(({ level }) => level)).toEqual(['warn', 'log']);
  });
});
