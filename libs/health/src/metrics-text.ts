import { Injectable } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';

/**
 * The metrics in the text format of Prometheus, collected in slices of the scheduler: they are milliseconds of work, which many
 * callers could otherwise ask for in one turn of the event loop. One collection runs at a time. Whoever asks during one shares
 * the next with all others who do, so everybody gets values that were read after the request.
 */
@Injectable()
export class MetricsText {
  private current: Promise<string> | undefined;
  private next: Promise<string> | undefined;

  constructor(
    private readonly metrics: Metrics,
    private readonly scheduler: Scheduler,
  ) {}

  read(): Promise<string> {
    if (!this.current) return this.begin();
    const begin = () => this.begin();
    return (this.next ??= this.current.then(begin, begin));
  }

  private begin(): Promise<string> {
    this.next = undefined;
    const collected = this.collect().finally(() => {
      if (this.current === collected) this.current = undefined;
    });
    this.current = collected;
    return collected;
  }

  /** As `Registry.metrics` does, with pauses. */
  private async collect(): Promise<string> {
    const { registry } = this.metrics;
    const turn = this.scheduler.begin({ workClass: 'hot', client: null });
    const texts: string[] = [];
    for (const { name } of registry.getMetricsAsArray()) {
      if (turn.isOver) await turn.next();
      texts.push(await registry.getSingleMetricAsString(name));
    }
    turn.end();
    return `${texts.join('\n\n')}\n`;
  }
}
