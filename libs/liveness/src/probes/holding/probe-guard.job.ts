import { Inject, Injectable, Optional } from '@nestjs/common';
import { SchemaGate } from '@coordination/database';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { ProbeGuard } from './probe-guard.js';
import { SecondLooker } from './second-looker.js';

/** How often failures are judged; tests change it. */
export interface ProbeGuardPace {
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/** Judges the failures of the probes of this node once a second, and looks at those that other nodes hold. */
@Injectable()
export class ProbeGuardJob extends PeriodicJob {
  constructor(
    @Inject(ProbeGuard) private readonly guard: Pick<ProbeGuard, 'turn'>,
    @Inject(SecondLooker) private readonly looker: Pick<SecondLooker, 'turn'>,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) schema: Pick<SchemaGate, 'opened'>,
    @Optional() { everyMs = EVERY_MS }: ProbeGuardPace = {},
  ) {
    super({ task: tasks.task('probe-guard'), everyMs, ready: schema.opened });
  }

  protected override async turn(): Promise<void> {
    // Neither waits for the other: what fails in one must not keep the other from its work.
    const [judged, looked] = await Promise.allSettled([this.guard.turn(), this.looker.turn()]);
    if (judged.status === 'rejected') throw judged.reason;
    if (looked.status === 'rejected') throw looked.reason;
  }
}
