import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type ChangeFeed } from '@coordination/catalog';
import { type BackgroundTasks } from '@coordination/observability';
import { type ProbeScheduler, SLOT_MS } from './schedule/probe-scheduler.js';
import { type ProbeShares } from './share/probe-shares.js';

/** How often (ms) it is looked which nodes live, besides when the catalog says that this has changed. */
const LOOK_MS = 1_000;

/** Runs the probes of this node while the application runs. */
export class ProbeJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly timers: NodeJS.Timeout[] = [];
  private unfollow: () => void = () => undefined;

  constructor(
    private readonly feed: ChangeFeed,
    private readonly shares: ProbeShares,
    private readonly scheduler: ProbeScheduler,
    private readonly tasks: Pick<BackgroundTasks, 'task'>,
  ) {}

  onApplicationBootstrap(): void {
    this.unfollow = this.feed.follow({ namespace: null, service: null }, this.shares);
    this.shares.rebuild();
    const [probes, shares] = [this.tasks.task('probes'), this.tasks.task('probe-shares')];
    this.timers.push(
      setInterval(() => probes.attempt(() => this.scheduler.tick()), SLOT_MS),
      setInterval(() => shares.attempt(() => this.shares.refresh()), LOOK_MS),
    );
  }

  onModuleDestroy(): void {
    this.unfollow();
    for (const timer of this.timers) clearInterval(timer);
    this.scheduler.dropAll();
  }
}
