import { type BackgroundTaskName, type Clock, systemClock } from '@coordination/kernel';
import { BackgroundTask, type BackgroundTasks } from '@coordination/observability';
import { type TaskTrouble } from '@coordination/observability/testing';

/** A line that a task has written. */
export interface TaskLine extends Partial<TaskTrouble> {
  readonly level: 'warn' | 'log';
  readonly msg: string;
}

/** A background task with the lines that it has written. */
export interface ToldTask {
  readonly task: BackgroundTask;
  readonly lines: readonly TaskLine[];
}

/** A task whose lines a test can look at. */
export function aToldTask(name: BackgroundTaskName, clock: Clock = systemClock): ToldTask {
  const lines: TaskLine[] = [];
  const write = (level: TaskLine['level']) => (line: object) =>
    void lines.push({ level, ...(line as Omit<TaskLine, 'level'>) });
  return { task: new BackgroundTask(name, clock, { warn: write('warn'), log: write('log') }), lines };
}

/** A task, for whom what it tells does not matter. */
export const aTask = (name: BackgroundTaskName): BackgroundTask => aToldTask(name).task;

/** The tasks of a node; a test gives those whose lines it looks at. */
export const someTasks = (...tasks: readonly BackgroundTask[]): Pick<BackgroundTasks, 'task'> => ({
  task: name => tasks.find(task => task.name === name) ?? aTask(name),
});

/** The tables are there. */
export const OPEN_SCHEMA = { opened: Promise.resolve() };

/** A clock that only tests move. */
export class TestClock implements Clock {
  private ms = 0;

  constructor(private readonly startsAt = Date.parse('2026-11-23T08:00:00.000Z')) {}

  now(): Date {
    return new Date(this.startsAt + this.ms);
  }

  monotonicMs(): number {
    return this.ms;
  }

  pass(ms: number): void {
    this.ms += ms;
  }
}
