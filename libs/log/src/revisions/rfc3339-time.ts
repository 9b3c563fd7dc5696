import { z } from 'zod';

/** PostgreSQL and RFC 3339 write the years between them in the same way. */
const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

/** Takes a time with any offset, and makes it a time in UTC; fractions of a millisecond are dropped. */
export const RFC3339_TIME = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time, such as 2026-11-23T10:15:30Z', abort: true })
  .refine(value => Date.parse(value) >= FIRST_TIME && Date.parse(value) <= LAST_TIME, 'must lie in years 1 to 9999')
  .transform(value => new Date(value).toISOString());
