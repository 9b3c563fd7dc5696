import { isIP } from 'node:net';
import { checkHost, MAX_HOST_LENGTH } from '@coordination/kernel';
import { z } from 'zod';

/** The host of an instance in its canonical spelling, so that registrations that differ in spelling only are the same. */
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
  .describe('DNS name, IPv4 or IPv6 address (without brackets and zone) at which clients reach the instance.')
  .meta({ examples: ['10.0.3.17'], pattern: '^[A-Za-z0-9_:]([A-Za-z0-9_.:-]*[A-Za-z0-9_:])?$' });

/**
 * A host to filter by: the spellings in which it may be stored. These are the canonical one, and the text as given, which
 * earlier versions accepted in registrations.
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
