import { EpochLogRepository, LogCutRepository } from '@coordination/log';
import { Injectable, Optional } from '@nestjs/common';
import { Databases, query, readSnapshot } from '@coordination/database';
import { InvalidFilterError } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { normalizeRecord, type Status, toInstanceView } from '@coordination/catalog';
import { type Fields, pick } from '../listing/instance-fields.js';
import { type Selection, statusTest } from '../selection/selection.js';
import { countStatuses, sorted, ServiceSummarizer } from '../summary/service-summary.js';
import { PastInstances } from './past-instances.js';
import { PAST_LIMITS, TOO_MANY_IN_NAMESPACE, TOO_MANY_INSTANCES } from './past-limits.js';
import { PastScan } from './past-scan.js';
import { lastTouch, PAST_SETTINGS } from './past-sql.js';

/** A response body about the past, and the last revision that touched what it shows. */
export interface PastJson {
  readonly revision: number;
  /** Absent when the client has it already. */
  readonly body: string | undefined;
}

/** Whether the client has the response of a revision already. */
export type IsKnown = (revision: number) => boolean;

/** Services as they were at a revision. The JSON equals, byte for byte, what the view made then. */
@Injectable()
export class PastServices {
  constructor(
    private readonly databases: Databases,
    private readonly instances: PastInstances,
    private readonly epochs: EpochLogRepository,
    private readonly cuts: LogCutRepository,
    private readonly scheduler: Scheduler,
    @Optional() private readonly limits = PAST_LIMITS,
  ) {}

  /**
   * The selected instances of a service, with the counts of all that are selected apart from their status.
   * @throws InvalidFilterError when there were too many instances
   * @throws StoreUnavailableError
   */
  async instanceList(
    { namespace, service, at }: { readonly namespace: string; readonly service: string; readonly at: number },
    { statuses, where }: Selection,
    isKnown: IsKnown,
    fields: Fields = null,
  ): Promise<PastJson> {
    const revision = await this.revisionOf(namespace, service, at);
    if (isKnown(revision)) return { revision, body: undefined };
    const scan = PastScan.begin(this.scheduler, this.limits.whole);
    const hasStatus = statusTest({ statuses, where });
    const statusesFound: Status[] = [];
    const shown = new Map<string, string>();
    let bytes = 0;
    const scope = { namespace, service };
    const pastQuery = { scope, at, order: 'asc', after: undefined, selection: { statuses: 'any', where } } as const;
    for await (const { instanceId, record } of this.instances.walk(pastQuery, scan)) {
      if (scan.isSpent || bytes > this.limits.wholeBytes) throw new InvalidFilterError([TOO_MANY_INSTANCES]);
      if (!record) continue;
      statusesFound.push(record.status);
      if (!hasStatus(record.status)) continue;
      const json = JSON.stringify(pick(toInstanceView(normalizeRecord(record)), fields));
      bytes += json.length;
      shown.set(instanceId, json);
    }
    const start = JSON.stringify({ service, revision, counts: countStatuses(statusesFound) }).slice(0, -1);
    const instances = sorted(shown.keys()).map(instanceId => shown.get(instanceId)!);
    return { revision, body: `${start},"instances":[${instances.join(',')}]}` };
  }

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
  async serviceList(namespace: string, at: number, selection: Selection, isKnown: IsKnown): Promise<PastJson> {
    const scan = PastScan.begin(this.scheduler, this.limits.whole);
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
    if (isKnown(revision)) return { revision, body: undefined };
    const services: string[] = [];
    for (const service of sorted(summarizers.keys())) {
      if (scan.turn.isOver) await scan.turn.next();
      services.push(JSON.stringify(summarizers.get(service)!.summary()));
    }
    return { revision, body: `{"revision":${revision},"services":[${services.join(',')}]}` };
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
