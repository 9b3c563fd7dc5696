import { LogCutRepository, oldestOf } from '@coordination/log';
import { Injectable, Optional } from '@nestjs/common';
import { Databases, query, readSnapshot } from '@coordination/database';
import { InvalidFilterError, lowerBound } from '@coordination/kernel';
import { JsonItems, type SharedBody } from '@coordination/http';
import { type Turn } from '@coordination/scheduling';
import {
  EVERY_OTHER_NAMESPACE,
  type InstanceRecord,
  normalizeRecord,
  type Status,
  type StoredRecord,
} from '@coordination/catalog';
import { listedRecordJson, listFrame } from '../listing/list-json.js';
import { type ListQuery } from '../listing/list-query.js';
import { type Listing, listingName, Listings, pageOf } from '../listing/listings.js';
import { matcherBesideStatus, statusTest } from '../selection/selection.js';
import { countStatuses, sorted } from '../summary/service-summary.js';
import { PastInstances } from './past-instances.js';
import { PAST_LIMITS, TOO_MANY_FOR_PAGES } from './past-limits.js';
import { PastScan } from './past-scan.js';
import { lastTouch, PAST_SETTINGS, statesAt } from './past-sql.js';

/** How many instances, each of up to 33 kB, a statement reads. */
const STATES_STEP = 500;

/** A service at a revision, and where the log is read for it. */
export interface PastMoment {
  /** The revision of the service. */
  readonly revision: number;
  /** The same revision, or a later one up to which nothing touched the service. */
  readonly at: number;
  readonly epoch: string;
}

const NEWEST_FLOOR = `
  select max(revision)::float8 as revision from namespace_floor where namespace in ($1, '${EVERY_OTHER_NAMESPACE}')`;

/**
 * Pages of the list of a service as it was. A page costs one seek for each of its instances if the listing is cached. If not,
 * the instances that the service ever had are scanned for it first.
 */
@Injectable()
export class PastPages {
  constructor(
    private readonly databases: Databases,
    private readonly instances: PastInstances,
    private readonly listings: Listings,
    private readonly cuts: LogCutRepository,
    @Optional() private readonly limits = PAST_LIMITS,
  ) {}

  /**
   * The JSON of one page, byte for byte as the view made it then.
   * @param after the instanceId after which it begins; undefined for the first one
   * @param known all instances of the service at that moment, by instanceId; undefined: the log is read for them
   * @throws RevisionCompactedError, StoreUnavailableError
   * @throws InvalidFilterError when there were too many instances
   */
  async body(
    query: ListQuery,
    { revision, at, epoch }: PastMoment,
    after: string | undefined,
    turn: Turn,
    known?: readonly InstanceRecord[],
  ): Promise<string | SharedBody> {
    const name = listingName(epoch, revision, query);
    const make = () => (known ? this.select(query, known, turn) : this.walk(query, at, turn));
    const listing = await this.listings.fetch(name, make);
    const { page } = pageOf(listing.ids, query.part.limit, after);
    const records = known ? recordsOf(page, known) : await this.instancesAt(query, page, at, turn);
    const { begin, end } = listFrame({ query, revision, listing, after });
    const items = new JsonItems();
    for (const record of records) {
      if (turn.isOver) await turn.next();
      items.add(listedRecordJson(record, query));
    }
    return items.body(begin, end);
  }

  /**
   * The oldest retained revision, if the service is the same there as at an earlier one; undefined where that is not known.
   * Rows of dropped services are not kept, so it is not known for revisions before a drop.
   * @throws StoreUnavailableError
   */
  async retainedAs({ namespace, service }: ListQuery, revision: number): Promise<number | undefined> {
    return await readSnapshot(
      this.databases,
      async em => {
        const oldest = oldestOf(await this.cuts.find(em));
        const { text, parameters } = lastTouch(namespace, service, oldest);
        const [touch] = await query<{ revision: number }>(em, text, parameters);
        const [floor] = await query<{ revision: number | null }>(em, NEWEST_FLOOR, [namespace]);
        const isSame = touch && touch.revision <= revision && (floor?.revision ?? 0) <= revision;
        return isSame ? oldest : undefined;
      },
      { settings: PAST_SETTINGS },
    );
  }

  private async select({ selection }: ListQuery, instances: readonly InstanceRecord[], turn: Turn): Promise<Listing> {
    const scan = new PastScan(turn, this.limits.whole);
    const matches = matcherBesideStatus(selection);
    const hasStatus = statusTest(selection);
    const statuses: Status[] = [];
    const ids: string[] = [];
    for (const record of instances) {
      await scan.step();
      if (scan.isSpent) throw new InvalidFilterError([TOO_MANY_FOR_PAGES]);
      if (!matches(record)) continue;
      statuses.push(record.status);
      if (hasStatus(record.status)) ids.push(record.instanceId);
    }
    return { counts: countStatuses(statuses), ids };
  }

  private async walk({ namespace, service, selection }: ListQuery, at: number, turn: Turn): Promise<Listing> {
    const scan = new PastScan(turn, this.limits.whole);
    const hasStatus = statusTest(selection);
    const statuses: Status[] = [];
    const ids: string[] = [];
    const anyStatus = { statuses: 'any', where: selection.where } as const;
    const scope = { namespace, service };
    const pastQuery = { scope, at, order: 'asc', after: undefined, selection: anyStatus } as const;
    for await (const { instanceId, record } of this.instances.walk(pastQuery, scan)) {
      if (scan.isSpent) throw new InvalidFilterError([TOO_MANY_FOR_PAGES]);
      if (!record) continue;
      statuses.push(record.status);
      if (hasStatus(record.status)) ids.push(instanceId);
    }
    // The order of the database depends on its locale.
    return { counts: countStatuses(statuses), ids: sorted(ids) };
  }

  private async instancesAt(
    { namespace, service }: ListQuery,
    ids: readonly string[],
    at: number,
    turn: Turn,
  ): Promise<InstanceRecord[]> {
    const found: InstanceRecord[] = [];
    for (let start = 0; start < ids.length; start += STATES_STEP) {
      const identities = ids.slice(start, start + STATES_STEP).map(instanceId => ({ namespace, service, instanceId }));
      const { text, parameters } = statesAt(identities, at);
      const reading = readSnapshot(
        this.databases,
        async em => {
          await this.cuts.assertRetained(em, at);
          return await query<{ after: StoredRecord | null }>(em, text, parameters);
        },
        { settings: PAST_SETTINGS },
      );
      for (const { after } of await turn.waitFor(reading)) {
        if (turn.isOver) await turn.next();
        if (after) found.push(normalizeRecord(after));
      }
    }
    return found;
  }
}

/** The records of some of the instances. Both are by instanceId, in the order of code units. */
function recordsOf(ids: readonly string[], records: readonly InstanceRecord[]): InstanceRecord[] {
  let from = 0;
  return ids.map(id => {
    from = lowerBound(records, each => each.instanceId < id, from);
    return records[from]!;
  });
}
