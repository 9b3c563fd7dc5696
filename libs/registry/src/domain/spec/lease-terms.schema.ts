import { z } from 'zod';

const MAX_TTL_SECONDS = 86_400;
const DEFAULT_DEREGISTER_AFTER_SECONDS = 900;
const MAX_DEREGISTER_AFTER_SECONDS = 30 * 86_400;

export const ttlSeconds = z.int().min(1).max(MAX_TTL_SECONDS);

export const deregisterAfterSeconds = z
  .int()
  .min(0)
  .max(MAX_DEREGISTER_AFTER_SECONDS)
  .default(DEFAULT_DEREGISTER_AFTER_SECONDS)
  .describe('Seconds after which an unhealthy instance is deregistered; 0: never.');

/** The lease of an instance that does not have to renew it. */
export const leaseTerms = {
  ttlSeconds: ttlSeconds
    .nullish()
    .transform(ttl => ttl ?? null)
    .describe('Seconds that a lease lasts without renewal by the instance itself; absent: it never ends.'),
  deregisterAfterSeconds,
};
