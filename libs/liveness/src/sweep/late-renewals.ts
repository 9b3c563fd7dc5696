import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type BackgroundTask, BackgroundTasks } from '@coordination/observability';
import { CatalogWriter, LeaseRenewals } from '@coordination/registry';
import { hasLapsed, type InstanceRecord } from '@coordination/catalog';
import { LIVENESS } from '../liveness-origin.js';
import { SweepMetrics } from './sweep-metrics.js';

const CHUNK = 500;
const ORIGIN = { ...LIVENESS, reason: 'a heartbeat had come before the end of the lease was acted on' } as const;

/** An instance that has registered meanwhile has set its health, and the heartbeat may be of the process before. */
const isStillLapsed = ({ health }: InstanceRecord): boolean => hasLapsed(health);

/**
 * Heals instances whose renewal reached the database just after their lease had been ended: the heartbeat was acknowledged, so
 * it must count. If that fails, the next heartbeat heals them.
 */
@Injectable()
export class LateRenewals implements OnModuleInit {
  private readonly task: BackgroundTask;

  constructor(
    private readonly writer: CatalogWriter,
    @Inject(LeaseRenewals) private readonly renewals: Pick<LeaseRenewals, 'onRevived'>,
    @Inject(SweepMetrics) private readonly metrics: Pick<SweepMetrics, 'renewedLate'>,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
  ) {
    this.task = tasks.task('lease-revival');
  }

  onModuleInit(): void {
    this.renewals.onRevived(ids => this.heal(ids));
  }

  heal(ids: readonly string[]): void {
    const { writer, metrics, task } = this;
    metrics.renewedLate(ids.length);
    for (let from = 0; from < ids.length; from += CHUNK) {
      const commands = ids.slice(from, from + CHUNK).map(id => {
        return { kind: 'heartbeat', target: { id }, whenAbsent: 'ignore', onlyIf: isStillLapsed } as const;
      });
      // The task has recorded the failure.
      void task.turn(() => writer.submit({ commands, origin: ORIGIN })).catch(() => undefined);
    }
  }
}
