import { type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { BACKGROUND_TASKS, type BackgroundTaskName } from '@coordination/kernel';
import { BackgroundTask, type BackgroundTaskTools } from './background-task.js';
import { type TaskTrouble } from './task-trouble.js';

/** How often (ms) it is looked whether a task that fails has to say so again. */
const REMIND_MS = 5_000;

const NAMES = Object.keys(BACKGROUND_TASKS) as BackgroundTaskName[];

/** All that this node does again and again by itself. Health, metrics and the log tell from here what of it fails. */
export class BackgroundTasks implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly tasks: ReadonlyMap<BackgroundTaskName, BackgroundTask>;
  private timer: NodeJS.Timeout | undefined;

  constructor(tools: BackgroundTaskTools) {
    this.tasks = new Map(NAMES.map(name => [name, new BackgroundTask(name, tools)]));
  }

  /** The task of a name: whoever does it notes there how its turns end. */
  task(name: BackgroundTaskName): BackgroundTask {
    return this.tasks.get(name)!;
  }

  /** All of them, also those that this node does not do. */
  all(): BackgroundTask[] {
    return [...this.tasks.values()];
  }

  /** What is wrong at present; empty: nothing. */
  troubles(): TaskTrouble[] {
    return this.all().flatMap(({ trouble }) => trouble ?? []);
  }

  /** Has every task that fails say so again, if it is time to. */
  remind(): void {
    for (const task of this.tasks.values()) task.remind();
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.remind(), REMIND_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}
