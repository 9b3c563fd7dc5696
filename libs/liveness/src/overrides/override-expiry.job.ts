import { Inject, Injectable, Optional } from '@nestjs/common';
import { type CallOrigin } from '@coordination/context';
import { Databases, readSnapshot, SchemaGate } from '@coordination/database';
import { failureText } from '@coordination/kernel';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { CatalogWriter, ServiceInstanceRepository } from '@coordination/registry';
import { LIVENESS } from '../liveness-origin.js';

/** How often overrides are checked; tests change it. */
export interface OverrideExpiryPace {
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;
const MAX_AT_ONCE = 500;

const ORIGIN: CallOrigin = { ...LIVENESS, reason: 'the override ran out' };

/**
 * Ends overrides whose `until` has passed. Every node does it: the writer decides again, by database time and under the lock of
 * the head, so that the second node finds nothing to do.
 */
@Injectable()
export class OverrideExpiryJob extends PeriodicJob {
  constructor(
    private readonly databases: Databases,
    private readonly instances: ServiceInstanceRepository,
    private readonly writer: CatalogWriter,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) schema: Pick<SchemaGate, 'opened'>,
    @Optional() { everyMs = EVERY_MS }: OverrideExpiryPace = {},
  ) {
    super({ task: tasks.task('override-end'), everyMs, ready: schema.opened });
  }

  /** @returns 0, for no pause, when more overrides may be ended at once */
  protected override async turn(): Promise<number | undefined> {
    const { databases, instances, writer } = this;
    const ids = await readSnapshot(databases, em => instances.idsWithOverrideOver(em, MAX_AT_ONCE), {
      purpose: 'upkeep',
    });
    const clear = { kind: 'clear-override', onlyIfOver: true, whenAbsent: 'ignore' } as const;
    const commands = ids.map(id => ({ ...clear, target: { id } }));
    // One request each, so that one override that cannot be ended does not prevent the end of the others.
    const ended = await Promise.allSettled(
      commands.map(command => writer.submit({ commands: [command], origin: ORIGIN })),
    );
    const failed = ended.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failed.length > 0) {
      if (failed.length === ids.length) throw failed[0];
      const { message } = failureText(failed[0]);
      throw new Error(`${failed.length} of ${ids.length} overrides whose time is over could not be ended: ${message}`);
    }
    return ids.length === MAX_AT_ONCE ? 0 : undefined;
  }
}
