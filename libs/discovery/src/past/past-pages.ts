import { LogCutRepository, oldestOf } from '@coordination/log';
import { type Databases, query, readSnapshot } from '@coordination/database';
import { InvalidFilterError, systemClock } from '@coordination/kernel';
import {
  EVERY_OTHER_NAMESPACE,
  type InstanceView,
  normalizeRecord,
  type Status,
  type StoredRecord,
  toInstanceView,
} from '@coordination/catalog';
import { listJson } from '../listing/list-json.js';
import { type ListQuestion } from '../listing/list-question.js';
import { type Listing, listingName, type Listings, pageOf } from '../listing/listings.js';
import { ScanBudget } from '../selection/scan-budget.js';
import { statusTest } from '../selection/selection.js';
import { countStatuses, sorted } from '../search/service-summary.js';
import { type PastInstances } from './past-instances.js';
import { type PastLimits, TOO_MANY_FOR_PAGES } from './past-limits.js';
import { lastTouch, PAST_SETTINGS, statesAt } from './past-sql.js';

/** How many instances, each of up to 33 kB, a statement reads. */
const STATES_STEP = 500;

/** What a service was, and where in the log that is read. */
export interface PastMoment {
  /** The revision of the service. */
  readonly revision: number;
  /** That one, or a later one until which nothing touched the service. */
  readonly at: number;
  readonly epoch: string;
}

const NEWEST_FLOOR = `
  select max(revision)::float8 as revision from namespace_floor where namespace in ($1, '${EVERY_OTHER_NAMESPACE}')`;

/**
 * Pages of a service's list as it was. Each costs as many seeks as it has instances, if it is known who is on the pages. If
 * not, that costs a look at all instances that the service ever had.
 */
export class PastPages {
  constructor(
    private readonly databases: Databases,
    private readonly instances: PastInstances,
    private readonly limits: PastLimits,
    private readonly listings: Listings,
    private readonly cuts = new LogCutRepository(),
  ) {}

  /**
   * One page, to the byte what the view answered then.
   * @param after the instanceId after which it begins; undefined for the first one
   * @throws RevisionCompactedError, StoreUnavailableError
   * @throws InvalidFilterError when there were too many instances
   */
  async body(question: ListQuestion, { revision, at, epoch }: PastMoment, after?: string): Promise<string> {
    const name = listingName(epoch, revision, question);
    const listing = await this.listings.fetch(name, () => this.walk(question, at));
    const { page } = pageOf(listing.ids, question.part.limit, after);
    return listJson({ question, revision, listing, after }, await this.instancesAt(question, page, at));
  }

  /**
   * The oldest revision that is retained, if a service is there what it was at an earlier one; undefined where that cannot
   * be told. Rows of services that were dropped are not kept, so nothing can be told of what lies before that.
   * @throws StoreUnavailableError
   */
  async retainedAs({ namespace, service }: ListQuestion, revision: number): Promise<number | undefined> {
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

  private async walk({ namespace, service, selection }: ListQuestion, at: number): Promise<Listing> {
    const budget = new ScanBudget(this.limits.whole, systemClock);
    const hasStatus = statusTest(selection);
    const meant: Status[] = [];
    const ids: string[] = [];
    const beside = { statuses: 'any', where: selection.where } as const;
    const question = { scope: { namespace, service }, at, order: 'asc', after: undefined, selection: beside } as const;
    for await (const { instanceId, record } of this.instances.walk(question, budget)) {
      if (budget.isSpent) throw new InvalidFilterError([TOO_MANY_FOR_PAGES]);
      if (!record) continue;
      meant.push(record.status);
      if (hasStatus(record.status)) ids.push(instanceId);
    }
    // The order of the database depends on its locale.
    return { counts: countStatuses(meant), ids: sorted(ids) };
  }

  private async instancesAt(
    { namespace, service }: ListQuestion,
    ids: readonly string[],
    at: number,
  ): Promise<InstanceView[]> {
    const found: InstanceView[] = [];
    for (let start = 0; start < ids.length; start += STATES_STEP) {
      const identities = ids.slice(start, start + STATES_STEP).map(instanceId => ({ namespace, service, instanceId }));
      const { text, parameters } = statesAt(identities, at);
      const rows = await readSnapshot(
        this.databases,
        async em => {
          await this.cuts.assertRetained(em, at);
          return await query<{ after: StoredRecord | null }>(em, text, parameters);
        },
        { settings: PAST_SETTINGS },
      );
      found.push(...rows.flatMap(({ after }) => (after ? toInstanceView(normalizeRecord(after)) : [])));
    }
    return found;
  }
}
