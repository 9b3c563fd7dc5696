import { logPoint } from '@coordination/log';
import { type z } from 'zod';
import { searchQuery, servicesQuery } from '../api/discovery.schemas.js';
import { PART_PARAMETERS } from '../listing/list.schemas.js';

/** The query parameter that asks for the past. */
const asOf = logPoint(
  'The catalog as it was: a revision, or an RFC 3339 time, which means the last revision at or before it. Answered from the log.',
).optional();

export const servicesAtQuery = servicesQuery.extend({ asOf });
export type ServicesAtQuery = z.output<typeof servicesAtQuery>;

export const instancesAtQuery = servicesAtQuery.extend(PART_PARAMETERS);
export type InstancesAtQuery = z.output<typeof instancesAtQuery>;

export const searchAtQuery = searchQuery.extend({ asOf });
export type SearchAtQuery = z.output<typeof searchAtQuery>;
