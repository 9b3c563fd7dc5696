import { isIP } from 'node:net';
import { checkHost, MAX_HOST_LENGTH } from '@coordination/kernel';
import { z } from 'zod';

/** Where an instance is reached, in its one spelling: what differs in spelling alone is the same registration. */
export const hostSchema = z
  .string()
  .min(1)
  .max(MAX_HOST_LENGTH)
  .transform((text, context) => {
    const checked = checkHost(text);
    if ('host' in checked) return checked.host;
    context.addIssue({ code: 'custom', message: checked.complaint });
    return z.NEVER;
  })
  .describe('DNS name, IPv4 or IPv6 address (without brackets and zone) that callers reach the instance at.')
  .meta({ examples: ['10.0.3.17'], pattern: '^[A-Za-z0-9_:]([A-Za-z0-9_.:-]*[A-Za-z0-9_:])?$' });

/**
 * A host to look for: the spellings that an instance may have it in. Besides the one that hosts have now that is the text as
 * it was given, in which earlier registrations may have been accepted.
 */
export const hostFilterSchema = z
  .string()
  .min(1)
  .max(MAX_HOST_LENGTH)
  .transform((text, context): string[] => {
    const given = text.toLowerCase();
    const checked = checkHost(text);
    if ('host' in checked) return [...new Set([checked.host, given])];
    if (isIP(text) !== 0) return [given];
    context.addIssue({ code: 'custom', message: checked.complaint });
    return z.NEVER;
  })
  .meta({ examples: ['10.0.3.17'], pattern: '^[A-Za-z0-9_.:%-]+$' });
