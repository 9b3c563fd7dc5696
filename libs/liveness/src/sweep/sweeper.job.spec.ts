import { systemClock } from '@coordination/kernel';
import { type RoleTerm, TermEndedError } from '@coordination/leadership';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aToldTask, OPEN_SCHEMA, someTasks, type ToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { SweeperJob } from './sweeper.job.js';

const TERM: RoleTerm = { role: 'sweeper', holder: 'this node', term: 1 };
const denied = Object.assign(new Error('permission denied for table liveness_guard'), { code: '42501' });

let told: ToldTask;
let job: SweeperJob;
let term: RoleTerm | undefined;
let sweeps: number;
let failure: Error | undefined;

beforeEach(() => {
  told = aToldTask('lease-sweep');
  term = TERM;
  sweeps = 0;
  failure = undefined;
  const elector = {
    workedSecondsAgo: undefined,
    get term() {
      return term;
    },
    confirm: () => Promise.resolve(term),
  };
  const run = () => {
    sweeps += 1;
    return failure ? Promise.reject(failure) : Promise.resolve(false);
  };
  job = new SweeperJob(elector, { run }, systemClock, someTasks(told.task), OPEN_SCHEMA, { everyMs: 5 });
  job.onApplicationBootstrap();
});

afterEach(() => job.onModuleDestroy());

const sweepsOn = async () => {
  const from = sweeps;
  await waitFor('another sweep has ended', () => sweeps > from + 1);
};

describe('The sweeper', () => {
  it('reports that its sweeps fail, until one succeeds', async () => {
    failure = denied;
    await waitFor('it is reported', () => told.task.trouble);
    expect(told.task.trouble).toMatchObject({ lastError: denied.message, sqlState: '42501' });
    failure = undefined;
    await waitFor('it is over', () => !told.task.trouble);
    expect(told.lines.map(({ level }) => level)).toEqual(['warn', 'log']);
  });

  it('reports no failure on a node that has lost the role, and reports it again on one that gets it back', async () => {
    failure = denied;
    await waitFor('it is reported', () => told.task.trouble);
    term = undefined;
    await waitFor('it is not reported any more', () => !told.task.trouble);
    expect(told.lines.at(-1)!.msg).toContain('has nothing to do on this node now');
    term = TERM;
    await waitFor('it is reported again', () => told.task.trouble);
  });

  it('does not fail because its term ended meanwhile', async () => {
    failure = new TermEndedError(TERM);
    await sweepsOn();
    const { lastSuccessAt } = told.task;
    await sweepsOn();
    expect([told.task.failures, told.task.lastSuccessAt, told.lines]).toEqual([0, lastSuccessAt, []]);
  });
});
