import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type CallOrigin } from '@coordination/context';
import { type BackgroundTask } from '@coordination/observability';
import { type CatalogView, toEmptyServicesDropped } from '@coordination/catalog';
import { type CatalogWriter } from '../write/catalog-writer.js';
import { type EmptyServiceRepository } from './empty-service.repository.js';

const EVERY_MS = 2_000;
/** Of two nodes that find too many at once, the second one should find them dropped. */
const JITTER = 0.5;
/** Few enough for statements of some tens of milliseconds, since all writers wait for them. */
const AT_ONCE = 1_000;
/** Between two events, so that dropping very many does not get in the way of anybody. */
const PAUSE_MS = 100;
/** Which part of the most that are kept is dropped beyond what is too many, so that there is an event now and then. */
const SPARE_PART = 0.1;

const ORIGIN: CallOrigin = {
  actor: 'system:catalog',
  clientAddress: null,
  requestId: null,
  source: 'system',
  reason: null,
};

export interface EmptyServicesJobOptions {
  readonly view: CatalogView;
  readonly writer: Pick<CatalogWriter, 'submit'>;
  readonly services: EmptyServiceRepository;
  /** How many services without instances are kept. */
  readonly max: number;
  readonly task: BackgroundTask;
  readonly everyMs?: number;
  readonly atOnce?: number;
}

/**
 * Drops services that have no instances when there are too many of them, those that changed longest ago first. Every node
 * does it: what one has dropped, the others find dropped when the event comes to them, and an event that finds nothing more
 * to drop does nothing.
 */
export class EmptyServicesJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly ending = new AbortController();

  constructor(private readonly options: EmptyServicesJobOptions) {}

  onApplicationBootstrap(): void {
    const { task, everyMs = EVERY_MS } = this.options;
    void task.repeat(() => this.turn(), { everyMs, jitter: JITTER, signal: this.ending.signal });
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  /** @returns the pause that comes next, where it is not the usual one */
  private async turn(): Promise<number | undefined> {
    const { view, max, atOnce = AT_ONCE } = this.options;
    const tooMany = view.emptyServices - max;
    if (tooMany <= 0) return undefined;
    await this.drop(Math.min(atOnce, tooMany + Math.floor(max * SPARE_PART)));
    return PAUSE_MS * (1 + Math.random());
  }

  private async drop(count: number): Promise<void> {
    const { view, writer, services, max } = this.options;
    const oldest = view.oldestEmptyServices(count);
    await writer.submit({
      commands: [],
      origin: {
        ...ORIGIN,
        reason: `There are ${view.emptyServices} services without instances, more than the ${max} that are kept.`,
      },
      occurrence: {
        ...toEmptyServicesDropped(oldest.at(-1)!),
        write: em => services.drop(em, oldest),
        isAlone: true,
      },
    });
  }
}
