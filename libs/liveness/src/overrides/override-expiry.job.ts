import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type CallOrigin } from '@coordination/context';
import { type Databases, readSnapshot } from '@coordination/database';
import { failureText } from '@coordination/kernel';
import { type BackgroundTask } from '@coordination/observability';
import { type CatalogWriter, type ServiceInstanceRepository } from '@coordination/registry';
import { LIVENESS } from '../liveness-origin.js';

const EVERY_MS = 1_000;
const MAX_AT_ONCE = 500;

const ORIGIN: CallOrigin = { ...LIVENESS, reason: 'the override ran out' };

export interface OverrideEndOptions {
  readonly databases: Databases;
  readonly instances: ServiceInstanceRepository;
  readonly writer: CatalogWriter;
  readonly task: BackgroundTask;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
}

/**
 * Ends overrides whose `until` has passed. Every node does it: the writer decides again, on database time and under the
 * head's lock, so whoever comes second finds nothing to do.
 */
export class OverrideExpiryJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly ending = new AbortController();

  constructor(private readonly options: OverrideEndOptions) {}

  onApplicationBootstrap(): void {
    const { ready, task, everyMs = EVERY_MS } = this.options;
    const { signal } = this.ending;
    void ready.then(() => task.repeat(() => this.endThoseThatAreOver(), { everyMs, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  /** @returns 0, for no pause, when there may be more that can be ended at once */
  private async endThoseThatAreOver(): Promise<number | undefined> {
    const { databases, instances, writer } = this.options;
    const ids = await readSnapshot(databases, em => instances.idsWithOverrideOver(em, MAX_AT_ONCE));
    const clear = { kind: 'clear-override', onlyIfOver: true, whenAbsent: 'ignore' } as const;
    const commands = ids.map(id => ({ ...clear, target: { id } }));
    // One request each: one that cannot be ended is no reason to leave the others.
    const ended = await Promise.allSettled(
      commands.map(command => writer.submit({ commands: [command], origin: ORIGIN })),
    );
    const failed = ended.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failed.length > 0) {
      if (failed.length === ids.length) throw failed[0];
      const { message } = failureText(failed[0]);
      throw new Error(`${failed.length} of ${ids.length} overrides that ran out could not be ended: ${message}`);
    }
    return ids.length === MAX_AT_ONCE ? 0 : undefined;
  }
}
