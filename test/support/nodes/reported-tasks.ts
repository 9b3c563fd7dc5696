import { Logger } from '@nestjs/common';
import { type BackgroundTaskName, type Clock } from '@coordination/kernel';
import { type TaskTrouble } from '@coordination/observability/testing';
import { vi } from 'vitest';
import { type Answer, type Api } from '../http/api.js';
import { type TaskLine } from './background-tasks.js';

/** What `/health` and `/health/ready` answer, as far as tests of tasks look at it. */
export interface ToldHealth {
  readonly status: 'ok' | 'degraded' | 'error';
  readonly details: {
    readonly tasks?: { readonly status: string; readonly failing: readonly TaskTrouble[] };
    readonly liveness?: { readonly status: string; readonly lastSweepSecondsAgo: number | null };
    readonly view?: { readonly stalenessSeconds: number };
  };
}

export const healthOf = (api: Api): Promise<Answer<ToldHealth>> => api.get('/health');
export const readinessOf = (api: Api): Promise<Answer<ToldHealth>> => api.get('/health/ready');

/** The tasks of a node that fail, by name. */
export async function failingTasks(api: Api): Promise<ReadonlyMap<BackgroundTaskName, TaskTrouble>> {
  const { body } = await healthOf(api);
  return new Map(body.details.tasks!.failing.map(trouble => [trouble.task, trouble]));
}

/** A metric of one task. */
export async function taskMetric(api: Api, metric: string, task: BackgroundTaskName): Promise<number> {
  const text = await api.ok<string>('GET', '/metrics');
  const [, value] = new RegExp(`^pcs_background_task_${metric}\\{task="${task}"\\} (\\S+)$`, 'm').exec(text) ?? [];
  return Number(value);
}

/** The clock of the system, which a test can put forward. */
export class SkippingClock implements Clock {
  private skippedMs = 0;

  now(): Date {
    return new Date(Date.now() + this.skippedMs);
  }

  monotonicMs(): number {
    return performance.now() + this.skippedMs;
  }

  skip(ms: number): void {
    this.skippedMs += ms;
  }
}

/** Everything that is logged in this process from now on. */
export interface HeardLog {
  /** The lines of background tasks. */
  readonly tasks: readonly TaskLine[];
  /** Warnings and errors of everybody else. */
  readonly others: readonly string[];
  /** The lines of one task. */
  of(task: BackgroundTaskName): readonly TaskLine[];
  stop(): void;
}

/** Listens to what is logged. */
export function hearLog(): HeardLog {
  const tasks: TaskLine[] = [];
  const others: string[] = [];
  const hear = (level: 'warn' | 'log' | 'error') =>
    vi.spyOn(Logger.prototype, level).mockImplementation((line: unknown) => {
      if (typeof line === 'object' && line !== null && 'task' in line) {
        tasks.push({ level: level === 'log' ? 'log' : 'warn', ...(line as Omit<TaskLine, 'level'>) });
      } else if (level !== 'log') others.push(typeof line === 'string' ? line : JSON.stringify(line));
    });
  const spies = [hear('warn'), hear('log'), hear('error')];
  return {
    tasks,
    others,
    of: task => tasks.filter(line => line.task === task),
    stop: () => spies.forEach(spy => spy.mockRestore()),
  };
}
