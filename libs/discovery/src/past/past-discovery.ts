import { type RevisionFinder } from '@coordination/log';
import { type Databases } from '@coordination/database';
import { Listings } from '../listing/listings.js';
import { PastDiscovery } from './past-discovery.service.js';
import { PastInstances } from './past-instances.js';
import { PastPages } from './past-pages.js';
import { PAST_LIMITS, type PastLimits } from './past-limits.js';
import { PastSearches } from './past-search.js';
import { PastServices } from './past-services.js';

/** The past with all that it is made of. */
export function pastDiscovery(
  databases: Databases,
  finder: RevisionFinder,
  { limits = PAST_LIMITS, listings = new Listings() }: { limits?: PastLimits; listings?: Listings } = {},
): PastDiscovery {
  const instances = new PastInstances(databases);
  return new PastDiscovery(
    finder,
    new PastServices(databases, instances, limits),
    new PastSearches(instances, limits),
    new PastPages(databases, instances, limits, listings),
  );
}
