import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  Optional,
} from '@nestjs/common';
import { BACKGROUND_TASKS, type BackgroundTaskName, type Clock, systemClock } from '@coordination/kernel';
import { BackgroundTask } from './background-task.js';
import { type TaskTrouble } from './task-trouble.js';
import { type TaskLog } from './trouble-lines.js';

/** Injection token of the clock of background tasks, which tests replace. */
export const TASK_CLOCK = Symbol('TaskClock');

/** How often (ms) failing tasks are asked to repeat their log line. */
const REMIND_MS = 5_000;

const NAMES = Object.keys(BACKGROUND_TASKS) as BackgroundTaskName[];

/** All background tasks of this node; health, metrics and the log get their state from here. */
@Injectable()
export class BackgroundTasks implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly tasks: ReadonlyMap<BackgroundTaskName, BackgroundTask>;
  private timer: NodeJS.Timeout | undefined;

  private stalledMsSince: (sinceMs: number) => number = () => 0;

  constructor(
    @Inject(TASK_CLOCK) private readonly clock: Clock,
    @Optional() log: TaskLog = new Logger('Tasks'),
  ) {
    const stalled = (sinceMs: number) => this.stalledMsSince(sinceMs);
    this.tasks = new Map(NAMES.map(name => [name, new BackgroundTask(name, clock, log, stalled)]));
  }

  /**
   * Makes the time in which this process was stalled not count as time in which a turn hangs.
   * @param stalledMsSince for how long (ms) it was since a time of the system's monotonic clock; not used with another clock
   */
  discountStalls(stalledMsSince: (sinceMs: number) => number): void {
    if (this.clock === systemClock) this.stalledMsSince = stalledMsSince;
  }

  /** The task of a name. The class that does the work records there how its turns end. */
  task(name: BackgroundTaskName): BackgroundTask {
    return this.tasks.get(name)!;
  }

  /** All tasks, also those that this node does not do. */
  all(): BackgroundTask[] {
    return [...this.tasks.values()];
  }

  /** The troubles of the tasks that fail or hang at present. */
  troubles(): TaskTrouble[] {
    return this.all().flatMap(({ trouble }) => trouble ?? []);
  }

  /** Makes each failing task repeat its log line, if it is time. */
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
