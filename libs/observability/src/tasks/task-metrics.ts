import { type Metrics } from '../metrics.js';
import { type BackgroundTasks } from './background-tasks.js';

const SECOND_MS = 1_000;

/** What background tasks do, for Prometheus; read when it is asked for, and for all tasks from the start. */
export function measureTasks(metrics: Metrics, tasks: BackgroundTasks): void {
  metrics.counter({
    name: 'background_task_failures_total',
    help: 'Turns of background tasks that failed, by task.',
    labelNames: ['task'],
    collect() {
      this.reset();
      for (const { name, failures } of tasks.all()) this.inc({ task: name }, failures);
    },
  });
  metrics.gauge({
    name: 'background_task_failing',
    help: '1 while a background task fails again and again, or hangs; else 0.',
    labelNames: ['task'],
    collect() {
      for (const { name, trouble } of tasks.all()) this.set({ task: name }, trouble ? 1 : 0);
    },
  });
  metrics.gauge({
    name: 'background_task_last_success_timestamp_seconds',
    help: 'When a turn of a background task last succeeded (Unix time); 0: not since the start, or not on this node.',
    labelNames: ['task'],
    collect() {
      for (const { name, lastSuccessAt } of tasks.all()) {
        this.set({ task: name }, (lastSuccessAt?.getTime() ?? 0) / SECOND_MS);
      }
    },
  });
}
