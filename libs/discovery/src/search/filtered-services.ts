import { CatalogView } from '@coordination/catalog';
import { currentRequest } from '@coordination/context';
import { CompressedForm, lengthOf, sharedIfLarge } from '@coordination/http';
import { InvalidFilterError } from '@coordination/kernel';
import { Scheduler, type Turn } from '@coordination/scheduling';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { FreshReads } from '../freshness/fresh-reads.js';
import { instancesPoll } from '../freshness/poll-query.js';
import { EVENTUAL, type ReadConsistency } from '../freshness/read-consistency.js';
import { MemoryPlaces } from '../memory-places.js';
import { type Found, type ViewJson } from '../responses/cached-json.js';
import { Flights, type Maker } from '../responses/flights.js';
import { RevisionCache } from '../responses/revision-cache.js';
import { ScanTest } from '../selection/scan-test.js';
import { type Selection } from '../selection/selection.js';
import { ServiceSummarizer } from '../summary/service-summary.js';
import { InstanceOrders, type InstanceWalk } from './orders/instance-orders.js';
import { ScanPace } from './scan-pace.js';
import { SEARCH_LIMITS } from './search-limits.js';

/** The work of testing an instance and adding it to the summary of its service, in tests of instances. */
const SUMMARY_UNITS = 4;

/** How many characters of lists are kept, with their compressed forms. */
const KEPT_MAX_LENGTH = 32 * 1024 * 1024;

const TOO_BROAD = {
  path: '/query/filter',
  message:
    'has a pattern that would have to be tried on too many different texts: narrow it by a comparison without a pattern, or search page by page at /api/v1/discovery/instances',
};

/** What is asked, and its text, which equal questions have in common. */
interface Question {
  readonly namespace: string;
  readonly selection: Selection;
  readonly question: string;
}

/**
 * The services of a namespace that have selected instances, with summaries of those, made from the view in slices of the
 * scheduler. Equal questions at the same revision of the namespace share one answer, which is kept until the namespace changes.
 */
@Injectable()
export class FilteredServices {
  private readonly kept: RevisionCache<ViewJson>;
  private readonly flights: Flights<Found>;

  constructor(
    private readonly view: CatalogView,
    private readonly orders: InstanceOrders,
    scheduler: Scheduler,
    private readonly fresh: FreshReads,
    @Inject(MemoryPlaces) private readonly places: Pick<MemoryPlaces, 'once'>,
    @Optional() private readonly limits = SEARCH_LIMITS,
  ) {
    this.flights = new Flights(scheduler);
    this.kept = new RevisionCache(view, {
      maxSize: KEPT_MAX_LENGTH,
      sizeOf: ({ body, compressed }, key) => lengthOf(body) + (compressed?.byteLength ?? 0) + key.length + 1,
    });
  }

  /**
   * @throws InvalidFilterError for patterns that would have to be tried on too many texts, and as {@link FreshReads} does
   * @throws the reason of the signal when it is aborted
   */
  async list(namespace: string, selection: Selection, consistency: ReadConsistency): Promise<Found> {
    await this.fresh.untilFresh(consistency, () => instancesPoll({ namespace, service: null }, selection));
    const question = JSON.stringify([namespace, selection]);
    const isNeeded = () => this.kept.get(question, this.revisionOf(namespace)) === undefined;
    return await this.places.once(question, isNeeded, () =>
      this.keptOrMade(question, { namespace, selection, consistency }),
    );
  }

  private async keptOrMade(
    question: string,
    {
      namespace,
      selection,
      consistency,
    }: { readonly namespace: string; readonly selection: Selection; readonly consistency: ReadConsistency },
  ): Promise<Found> {
    const revision = this.revisionOf(namespace);
    const known = this.kept.get(question, revision);
    const { catalog: now } = this.fresh.now(() => ({}), consistency);
    if (known) return { ...known, catalog: now };
    const maker: Maker<Found> = {
      client: currentRequest()?.clientAddress ?? undefined,
      state: () => `${this.view.generation} ${this.revisionOf(namespace)}`,
      make: (turn, fix, signal) => this.make({ namespace, selection, question }, turn, fix, signal),
    };
    const made = await this.flights.join(question, maker, consistency.signal);
    // An answer that was begun earlier shows the namespace as it was when this request arrived, and perhaps later.
    const isLater = made.catalog.revision > now.revision;
    const catalog = isLater ? { ...made.catalog, stalenessSeconds: now.stalenessSeconds } : now;
    return { ...made, catalog };
  }

  private revisionOf(namespace: string): number {
    return this.view.namespaceRevision(namespace) ?? this.view.revision;
  }

  private async make(
    { namespace, selection, question }: Question,
    turn: Turn,
    fix: () => void,
    signal: AbortSignal,
  ): Promise<Found> {
    const scope = { namespace, service: null, sort: 'service', order: 'asc' } as const;
    // Within one step, so that all are of one state of the view.
    const read = (walk: InstanceWalk) => {
      fix();
      return this.fresh.now(
        () => ({ walk, revision: this.revisionOf(namespace), generation: this.view.generation }),
        EVENTUAL,
      );
    };
    const { walk, revision, generation, catalog } = await this.orders.read(scope, undefined, { turn, read });

    const test = new ScanTest(selection, this.limits.listSteps);
    const pace = new ScanPace(turn);
    const services: string[] = [];
    let summarizer: ServiceSummarizer | undefined;
    for (;;) {
      if (pace.mustRest) {
        await turn.next();
        signal.throwIfAborted();
      }
      const record = walk.records.next();
      if (record?.namespace !== namespace) break;
      if (test.isSpent) throw new InvalidFilterError([TOO_BROAD]);
      const isSelected = test.matches(record);
      pace.worked(SUMMARY_UNITS, test.steps);
      if (!isSelected) continue;
      if (summarizer?.service !== record.service) {
        if (summarizer) services.push(JSON.stringify(summarizer.summary()));
        summarizer = new ServiceSummarizer(record.service);
      }
      summarizer.add(record);
    }
    if (summarizer) services.push(JSON.stringify(summarizer.summary()));

    const body = sharedIfLarge(`{"revision":${revision},"services":[${services.join(',')}]}`);
    const json: ViewJson = {
      revision,
      body,
      compressed: new CompressedForm(body, () => this.kept.resize(question, json)),
    };
    // Unknown namespaces are not kept: clients can make up any number of them.
    const isKept = generation === this.view.generation && this.view.services(namespace).size > 0;
    if (isKept) this.kept.set(question, revision, json);
    return { ...json, catalog };
  }
}
