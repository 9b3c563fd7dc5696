import { type Databases } from '@coordination/database';
import { EpochLogRepository, LogCutRepository, type RevisionFinder } from '@coordination/log';
import { Listings } from '../../../libs/discovery/src/listing/listings.js';
import { PastDiscovery } from '../../../libs/discovery/src/past/past-discovery.service.js';
import { PastInstances } from '../../../libs/discovery/src/past/past-instances.js';
import { PAST_LIMITS, type PastLimits } from '../../../libs/discovery/src/past/past-limits.js';
import { PastPages } from '../../../libs/discovery/src/past/past-pages.js';
import { PastSearches } from '../../../libs/discovery/src/past/past-search.js';
import { PastServices } from '../../../libs/discovery/src/past/past-services.js';

/** Reads of the past of a database. */
export function pastOf(
  databases: Databases,
  finder: RevisionFinder,
  { limits = PAST_LIMITS, listings = new Listings() }: { limits?: PastLimits; listings?: Listings } = {},
): PastDiscovery {
  const cuts = new LogCutRepository();
  const instances = new PastInstances(databases, cuts);
  return new PastDiscovery(
    finder,
    new PastServices(databases, instances, new EpochLogRepository(), cuts, limits),
    new PastSearches(instances, limits),
    new PastPages(databases, instances, listings, cuts, limits),
  );
}
