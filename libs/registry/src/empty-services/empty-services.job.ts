import { Inject, Injectable, Optional } from '@nestjs/common';
import { CatalogView, toEmptyServicesDropped } from '@coordination/catalog';
import { type Settings } from '@coordination/config';
import { systemOrigin } from '@coordination/log';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { CatalogWriter } from '../write/catalog-writer.js';
import { EmptyServiceRepository } from './empty-service.repository.js';

const EVERY_MS = 2_000;
/** If two nodes find too many at the same time, the second one should find that the first one has dropped them. */
const JITTER = 0.5;
/** Services that one event drops: few enough for statements of some tens of milliseconds, because all writers wait for them. */
const AT_ONCE = 1_000;
/** Pause between two events, so that dropping very many services does not slow down writers. */
const PAUSE_MS = 100;
/** Share of the limit that is dropped in addition, so that events are rare. */
const SPARE_SHARE = 0.1;

/** How many services without instances are kept. */
export const maxEmptyServices = ({ PCS_EMPTY_SERVICES_MAX }: Settings) => PCS_EMPTY_SERVICES_MAX;

/** How often services are dropped, and how many at once. Only tests change it. */
export interface EmptyServicesPace {
  readonly everyMs?: number;
  readonly atOnce?: number;
}

/**
 * Drops services without instances when there are too many of them, those that changed longest ago first. All nodes do it:
 * when the event of one node reaches the others, they have dropped the same services, and an event that finds nothing left
 * to drop does nothing.
 */
@Injectable()
export class EmptyServicesJob extends PeriodicJob {
  private readonly atOnce: number;

  constructor(
    private readonly view: CatalogView,
    @Inject(CatalogWriter) private readonly writer: Pick<CatalogWriter, 'submit'>,
    private readonly services: EmptyServiceRepository,
    @Inject(maxEmptyServices) private readonly max: number,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Optional() { everyMs = EVERY_MS, atOnce = AT_ONCE }: EmptyServicesPace = {},
  ) {
    super({ task: tasks.task('empty-services'), everyMs, jitter: JITTER });
    this.atOnce = atOnce;
  }

  /** @returns the pause before the next turn, where it is not the usual one */
  protected override async turn(): Promise<number | undefined> {
    const tooMany = this.view.emptyServices - this.max;
    if (tooMany <= 0) return undefined;
    await this.drop(Math.min(this.atOnce, tooMany + Math.floor(this.max * SPARE_SHARE)));
    return PAUSE_MS * (1 + Math.random());
  }

  private async drop(count: number): Promise<void> {
    const { view, services, max } = this;
    const oldest = view.oldestEmptyServices(count);
    await this.writer.submit({
      commands: [],
      origin: systemOrigin(
        'system:catalog',
        `There are ${view.emptyServices} services without instances, more than the ${max} that are kept.`,
      ),
      systemEvent: {
        ...toEmptyServicesDropped(oldest.at(-1)!),
        write: em => services.drop(em, oldest),
        isAlone: true,
      },
    });
  }
}
