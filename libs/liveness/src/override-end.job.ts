import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type CallOrigin } from '@coordination/context';
import { type Databases, read } from '@coordination/database';
import { repeat } from '@coordination/kernel';
import { type CatalogWriter, type ServiceInstanceRepository } from '@coordination/registry';
import { LIVENESS } from './liveness-origin.js';

const EVERY_MS = 1_000;
const MAX_AT_ONCE = 500;

const ORIGIN: CallOrigin = { ...LIVENESS, reason: 'the override ran out' };

export interface OverrideEndOptions {
  readonly databases: Databases;
  readonly instances: ServiceInstanceRepository;
  readonly writer: CatalogWriter;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
}

/**
 * Ends overrides whose `until` has passed. Every node does it: the writer decides again, on database time and under the
 * head's lock, so whoever comes second finds nothing to do.
 */
export class OverrideEndJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Liveness');
  private readonly ending = new AbortController();

  constructor(private readonly options: OverrideEndOptions) {}

  onApplicationBootstrap(): void {
    const { ready, everyMs = EVERY_MS } = this.options;
    const { signal } = this.ending;
    void ready.then(() => repeat(() => this.endThoseThatAreOver(), { everyMs, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  /** @returns 0, for no pause, when there may be more that can be ended at once */
  private async endThoseThatAreOver(): Promise<number | undefined> {
    const { databases, instances, writer } = this.options;
    try {
      const ids = await read(databases, em => instances.idsWithOverrideOver(em, MAX_AT_ONCE));
      const clear = { kind: 'clear-override', onlyIfOver: true, whenAbsent: 'ignore' } as const;
      const commands = ids.map(id => ({ ...clear, target: { id } }));
      // One request each: one that cannot be ended is no reason to leave the others.
      const ended = await Promise.allSettled(
        commands.map(command => writer.submit({ commands: [command], origin: ORIGIN })),
      );
      const failed = ended.filter(result => result.status === 'rejected').length;
      if (failed > 0) this.logger.warn(`${failed} overrides that ran out could not be ended; trying again.`);
      return failed === 0 && ids.length === MAX_AT_ONCE ? 0 : undefined;
    } catch (error) {
      if (!this.ending.signal.aborted) this.logger.debug(`Overrides could not be looked at: ${String(error)}`);
      return undefined;
    }
  }
}
