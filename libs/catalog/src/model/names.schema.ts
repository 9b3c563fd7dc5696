import { z } from 'zod';

export const DEFAULT_NAMESPACE = 'default';

export const namespaceSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and -, and neither begin nor end with -')
  .describe('Namespace; it needs no creation.')
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
