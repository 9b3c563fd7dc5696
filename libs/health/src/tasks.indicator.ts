import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { BackgroundTasks } from '@coordination/observability';

/** Whether what this node does by itself succeeds. */
@Injectable()
export class TasksIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly tasks: BackgroundTasks,
  ) {}

  /**
   * Degraded, never down, while a task fails again and again: what tasks fail for (the database, privileges) is common to
   * all nodes, and a node that cannot do them still answers from memory.
   */
  running() {
    const indicator = this.health.check('tasks');
    const failing = this.tasks.troubles();
    if (failing.length === 0) return indicator.up({ failing });
    const names = failing.map(({ task }) => task).join(', ');
    return indicator.degraded({ failing, message: `These background tasks fail again and again, or hang: ${names}.` });
  }
}
