import { type BackgroundTask } from '@coordination/observability';
import { type CatalogWriter } from '@coordination/registry';
import { hasLapsed, type InstanceRecord } from '@coordination/catalog';
import { LIVENESS } from '../liveness-origin.js';
import { type SweepMetrics } from './sweep-metrics.js';

const CHUNK = 500;
const ORIGIN = { ...LIVENESS, reason: 'a heartbeat had come before the end of the lease was acted on' } as const;

export interface RevivalTools {
  readonly writer: CatalogWriter;
  readonly metrics: SweepMetrics;
  readonly task: BackgroundTask;
}

/** Whoever has registered meanwhile says itself how it is: the heartbeat may be that of the process before. */
const isStillSilent = ({ health }: InstanceRecord): boolean => hasLapsed(health);

/**
 * Heals instances whose renewal got to the database just after their lease had been ended: their heartbeat was answered,
 * and counts. If it fails, the next heartbeat heals.
 */
export class LateRenewals {
  constructor(private readonly tools: RevivalTools) {}

  revive(ids: readonly string[]): void {
    const { writer, metrics, task } = this.tools;
    metrics.revived(ids.length);
    for (let from = 0; from < ids.length; from += CHUNK) {
      const commands = ids.slice(from, from + CHUNK).map(id => {
        return { kind: 'heartbeat', target: { id }, whenAbsent: 'ignore', onlyIf: isStillSilent } as const;
      });
      // The task has noted it.
      void task.turn(() => writer.submit({ commands, origin: ORIGIN })).catch(() => undefined);
    }
  }
}
