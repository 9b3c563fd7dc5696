import { type Databases } from '@coordination/database';
import { EpochLogRepository, LogCutRepository, type RevisionFinder } from '@coordination/log';
import { Scheduler } from '@coordination/scheduling';
import {
  Listings,
  PAST_LIMITS,
  PastDiscovery,
  PastInstances,
  type PastLimits,
  PastPages,
  PastSearches,
  PastServices,
} from '@coordination/discovery/testing';

/** Reads of the past of a database. */
export function pastOf(
  databases: Databases,
  finder: RevisionFinder,
  { limits = PAST_LIMITS, listings = new Listings() }: { limits?: PastLimits; listings?: Listings } = {},
): PastDiscovery {
  const cuts = new LogCutRepository();
  const scheduler = new Scheduler();
  const instances = new PastInstances(databases, cuts);
  return new PastDiscovery(
    finder,
    new PastServices(databases, instances, new EpochLogRepository(), cuts, scheduler, limits),
    new PastSearches(instances, scheduler, limits),
    new PastPages(databases, instances, listings, cuts, scheduler, limits),
  );
}
