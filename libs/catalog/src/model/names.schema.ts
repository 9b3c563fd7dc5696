import { z } from 'zod';

export const DEFAULT_NAMESPACE = 'default';

/** Stands for all namespaces in a query. */
export const ALL_NAMESPACES = '*';

export const namespaceSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and -, and neither begin nor end with -')
  .describe('Namespace; it needs no creation.')
  .meta({ minLength: 1, maxLength: 63 });

/** A namespace, or all of them. A text rather than a union, because generated clients have no type for such a union. */
export const namespaceOrAllSchema = z
  .string()
  .regex(
    /^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$/,
    'must be *, or 1 to 63 of a-z, 0-9 and -, and neither begin nor end with -',
  )
  .meta({ minLength: 1, maxLength: 63 });

export const serviceSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/,
    'must be 1 to 100 of letters, digits, . _ -, and begin and end with a letter or digit',
  )
  .transform(name => name.toLowerCase())
  .describe('Name of the service; upper case is lowered.')
  .meta({ examples: ['orders'], minLength: 1, maxLength: 100 });

/** `[v6]:port` is what an instance without a name of its own gets for an IPv6 host; nothing else may have brackets. */
export const instanceIdSchema = z
  .string()
  .regex(
    /^([A-Za-z0-9._:@-]{1,200}|\[[0-9a-f:.]{2,45}\]:[0-9]{1,5})$/,
    'must be 1 to 200 of letters, digits, . _ : @ -',
  )
  .describe(
    'The caller’s own stable name for the instance, such as a pod name, and neither . nor ..; `host:port` by default.',
  )
  .meta({ examples: ['orders-7f9c'], minLength: 1, maxLength: 200 });

/** The server's id of an instance. UUIDs are the same in either case (RFC 9562, section 4); ours are in lower case. */
export const instanceUuidSchema = z.uuid('must be a UUID').toLowerCase();
