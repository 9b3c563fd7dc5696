import { EpochLogRepository, LogCutRepository } from '@coordination/log';
import { Injectable, Optional } from '@nestjs/common';
import { Databases, query, readSnapshot } from '@coordination/database';
import { InvalidFilterError } from '@coordination/kernel';
import { JsonItems, type SharedBody } from '@coordination/http';
import { type Turn } from '@coordination/scheduling';
import { type Selection } from '../selection/selection.js';
import { sorted, ServiceSummarizer } from '../summary/service-summary.js';
import { PastInstances } from './past-instances.js';
import { PAST_LIMITS, TOO_MANY_IN_NAMESPACE } from './past-limits.js';
import { PastScan } from './past-scan.js';
import { lastTouch, PAST_SETTINGS } from './past-sql.js';

/** A response body about the past, and the last revision that touched what it shows. */
export interface PastJson {
  readonly revision: number;
  readonly body: string | SharedBody;
}

/** Services as they were at a revision. The JSON equals, byte for byte, what the view made then. */
@Injectable()
export class PastServices {
  constructor(
    private readonly databases: Databases,
    private readonly instances: PastInstances,
    private readonly epochs: EpochLogRepository,
    private readonly cuts: LogCutRepository,
    @Optional() private readonly limits = PAST_LIMITS,
  ) {}

  /**
   * The revision of a service at a revision of the catalog: the last one that touched it; that of the catalog, if it never had
   * an instance.
   * @throws StoreUnavailableError
   */
  async revisionOf(namespace: string, service: string, at: number): Promise<number> {
    return (await this.lastTouch(namespace, service, at)) ?? at;
  }

  /**
   * The services of a namespace that had selected instances, with summaries of those.
   * @throws InvalidFilterError when there were too many instances
   * @throws StoreUnavailableError
   */
  async serviceList(namespace: string, at: number, selection: Selection, turn: Turn): Promise<PastJson> {
    const scan = new PastScan(turn, this.limits.whole);
    const summarizers = new Map<string, ServiceSummarizer>();
    let touched = 0;
    const scope = { namespace, service: null };
    const pastQuery = { scope, at, order: 'asc', after: undefined, selection } as const;
    for await (const { service, revision, record } of this.instances.walk(pastQuery, scan)) {
      if (scan.isSpent) throw new InvalidFilterError([TOO_MANY_IN_NAMESPACE]);
      touched = Math.max(touched, revision ?? 0);
      if (!record) continue;
      const summarizer = summarizers.get(service) ?? new ServiceSummarizer(service);
      summarizer.add(record);
      summarizers.set(service, summarizer);
    }
    const revision = touched === 0 ? at : Math.max(touched, await this.epochStart(at));
    const services = new JsonItems();
    for (const service of sorted(summarizers.keys())) {
      if (scan.turn.isOver) await scan.turn.next();
      services.add(JSON.stringify(summarizers.get(service)!.summary()));
    }
    return { revision, body: services.body(`{"revision":${revision},"services":[`, ']}') };
  }

  /** The start of an epoch touches every service. */
  private async epochStart(at: number): Promise<number> {
    return await readSnapshot(this.databases, async em => {
      await this.cuts.assertRetained(em, at);
      return await this.epochs.lastStart(em, at);
    });
  }

  private async lastTouch(namespace: string, service: string, at: number): Promise<number | undefined> {
    const { text, parameters } = lastTouch(namespace, service, at);
    return await readSnapshot(
      this.databases,
      async em => {
        await this.cuts.assertRetained(em, at);
        const [row] = await query<{ revision: number }>(em, text, parameters);
        return row && Math.max(row.revision, await this.epochs.lastStart(em, at));
      },
      { settings: PAST_SETTINGS },
    );
  }
}
