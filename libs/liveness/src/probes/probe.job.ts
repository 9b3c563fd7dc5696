import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ChangeFeed, EVERYWHERE } from '@coordination/catalog';
import { BackgroundTasks } from '@coordination/observability';
import { ProbeScheduler, SLOT_MS } from './schedule/probe-scheduler.js';
import { ProbeShares } from './share/probe-shares.js';

/** How often (ms) the live nodes are determined, in addition to each change of a node in the catalog. */
const REFRESH_MS = 1_000;

/** Runs the probes of this node from the start of the application to its end. */
@Injectable()
export class ProbeJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly timers: NodeJS.Timeout[] = [];
  private unfollow: () => void = () => undefined;

  constructor(
    private readonly feed: ChangeFeed,
    private readonly shares: ProbeShares,
    private readonly scheduler: ProbeScheduler,
    @Inject(BackgroundTasks) private readonly tasks: Pick<BackgroundTasks, 'task'>,
  ) {}

  onApplicationBootstrap(): void {
    this.unfollow = this.feed.follow(EVERYWHERE, this.shares);
    this.shares.rebuild();
    const [probes, shares] = [this.tasks.task('probes'), this.tasks.task('probe-shares')];
    this.timers.push(
      setInterval(() => probes.attempt(() => this.scheduler.tick()), SLOT_MS),
      setInterval(() => shares.attempt(() => this.shares.refresh()), REFRESH_MS),
    );
  }

  onModuleDestroy(): void {
    this.unfollow();
    for (const timer of this.timers) clearInterval(timer);
    this.scheduler.dropAll();
  }
}
