import { logPoint } from '@coordination/log';
import { type z } from 'zod';
import { searchQuery, servicesQuery } from '../api/discovery.schemas.js';
import { PART_PARAMETERS } from '../listing/list.schemas.js';

/** The query parameter that selects a past revision. */
const asOf = logPoint(
  'Read the catalog as it was at this revision, or at the last revision at or before this RFC 3339 time. The response comes from the log.',
).optional();

export const servicesAtQuery = servicesQuery.extend({ asOf });
export type ServicesAtQuery = z.output<typeof servicesAtQuery>;

export const instancesAtQuery = servicesAtQuery.extend(PART_PARAMETERS);
export type InstancesAtQuery = z.output<typeof instancesAtQuery>;

export const searchAtQuery = searchQuery.extend({ asOf });
export type SearchAtQuery = z.output<typeof searchAtQuery>;
