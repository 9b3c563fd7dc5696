import { CatalogView, ChangeFeed } from '@coordination/catalog';
import { type Databases } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { EpochLogRepository, LogCutRepository, type RevisionFinder } from '@coordination/log';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import {
  Listings,
  PAST_LIMITS,
  PastAnswers,
  PastDiscovery,
  PastInstances,
  type PastLimits,
  PastListMaker,
  PastLists,
  PastPages,
  PastSearches,
  PastServices,
  RecentPast,
  ViewAnswers,
} from '@coordination/discovery/testing';

interface PastParts {
  readonly limits?: PastLimits;
  readonly listings?: Listings;
  /** The view of the node; by default it is not loaded, so that all answers come from the log. */
  readonly view?: CatalogView;
  /** The newest changes of that view. */
  readonly changes?: ChangeFeed;
  /** How many bytes of answers are kept; none by default, so that each is made. */
  readonly keptBytes?: number;
  readonly instances?: PastInstances;
  /** How many events may be rolled back. */
  readonly maxEvents?: number;
}

export const aChangeFeed = (view: CatalogView): ChangeFeed =>
  new ChangeFeed(view, { maxChanges: 100_000, maxBytes: 1e9 });

const unloadedView = (): CatalogView => new CatalogView(systemClock, { stalenessLimitSeconds: 600 });

/** Reads of the past of a database. */
export function pastOf(
  databases: Databases,
  finder: RevisionFinder,
  {
    limits = PAST_LIMITS,
    listings = new Listings(),
    view = unloadedView(),
    changes = aChangeFeed(view),
    keptBytes = 0,
    instances = new PastInstances(databases, new LogCutRepository()),
    maxEvents,
  }: PastParts = {},
): PastDiscovery {
  const cuts = new LogCutRepository();
  const scheduler = new Scheduler();
  const services = new PastServices(databases, instances, new EpochLogRepository(), cuts, limits);
  const pages = new PastPages(databases, instances, listings, cuts, limits);
  const recent = new RecentPast(view, changes, databases, cuts, maxEvents);
  const answers = new PastAnswers(scheduler, new Metrics(), keptBytes);
  const present = new ViewAnswers(view, listings, changes, scheduler, { lists: 1e8, pages: 1e8 });
  const maker = new PastListMaker(instances, recent, pages, present, limits);
  const lists = new PastLists(services, recent, answers, maker);
  return new PastDiscovery(finder, services, new PastSearches(instances, limits), lists, pages, answers);
}
