import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '../metrics.js';
import { type BackgroundTask } from './background-task.js';
import { BackgroundTasks } from './background-tasks.js';

const SECOND_MS = 1_000;

/** Observes background tasks. There are series for all tasks from the start. */
@Injectable()
export class TaskMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly tasks: BackgroundTasks,
  ) {}

  onModuleInit(): void {
    const { metrics, tasks } = this;
    const samples = (valueOf: (task: BackgroundTask) => number) => () =>
      tasks.all().map(task => ({ labels: { task: task.name }, value: valueOf(task) }));
    metrics.observedCounters(
      {
        name: 'background_task_failures_total',
        help: 'Turns of background tasks that failed, by task.',
        labelNames: ['task'],
      },
      samples(({ failures }) => failures),
    );
    metrics.observedGauges(
      {
        name: 'background_task_failing',
        help: '1 while a background task fails again and again, or hangs; else 0.',
        labelNames: ['task'],
      },
      samples(({ trouble }) => (trouble ? 1 : 0)),
    );
    metrics.observedGauges(
      {
        name: 'background_task_last_success_timestamp_seconds',
        help: 'When a turn of a background task last succeeded (Unix time); 0: not since the start, or not on this node.',
        labelNames: ['task'],
      },
      samples(({ lastSuccessAt }) => (lastSuccessAt?.getTime() ?? 0) / SECOND_MS),
    );
  }
}
