import { z } from 'zod';

/** PostgreSQL and RFC 3339 agree on these years. */
const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

/** A time with any offset, as a time in UTC with milliseconds; what is finer is cut off. */
export const RFC3339_TIME = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time, such as 2026-11-23T10:15:30Z', abort: true })
  .refine(value => Date.parse(value) >= FIRST_TIME && Date.parse(value) <= LAST_TIME, 'must lie in years 1 to 9999')
  .transform(value => new Date(value).toISOString());
