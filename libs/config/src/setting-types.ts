import { isIP } from 'node:net';
import { checkHost, isAddressRange } from '@coordination/kernel';
import { z } from 'zod';
import { DatabaseUrlError } from './database-url/database-url.js';
import { parseDatabaseUrl } from './database-url/parse-database-url.js';
import { MAX_BUDGET_MB, MIN_BUDGET_MB } from './memory/memory-budget.js';

/** `off, require or verify` */
const alternatives = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** A whole number in its text form. */
export const integer = (min: number, max: number) => {
  const accepted = `a whole number from ${min} to ${max}`;
  const error = `must be ${accepted}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(z.number().min(min, error).max(max, error))
    .describe(accepted);
};

/** A budget of memory (MiB). Less is not enough to run; a much larger number is most likely one of bytes. */
export const memoryBudget = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number of MiB, such as 1024, without a unit')
  .transform(Number)
  .pipe(
    z
      .number()
      .min(MIN_BUDGET_MB, `must be at least ${MIN_BUDGET_MB} (MiB): the service cannot run with less`)
      .max(MAX_BUDGET_MB, `must be at most ${MAX_BUDGET_MB}: it is a number of MiB, not of bytes`),
  )
  .describe(`a whole number from ${MIN_BUDGET_MB} to ${MAX_BUDGET_MB}`);

const SHARE = 'a share from 0 to 1, such as 0.3';
export const share = z
  .string()
  .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, `must be ${SHARE}`)
  .transform(Number)
  .describe(SHARE);

/** One of some words, written in capitals or not. */
export const choice = <const Words extends readonly string[]>(...words: Words) => {
  const accepted = alternatives.format(words);
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(words, { error: `must be ${accepted}` }))
    .describe(accepted);
};

const ON = ['on', 'true', 'yes', '1'] as const;
const OFF = ['off', 'false', 'no', '0'] as const;
const ON_OFF = 'on or off (or true or false, yes or no, 1 or 0)';
/** A switch, in all usual words: YAML reads an `on` without quotation marks as `true`. */
export const onOff = z
  .string()
  .toLowerCase()
  .pipe(z.enum([...ON, ...OFF], { error: `must be ${ON_OFF}` }))
  .transform(word => ON.some(on => on === word))
  .describe(ON_OFF);

/** The URL of a database, as it was written. */
export const postgresUrl = z
  .string()
  .superRefine((text, context) => {
    try {
      parseDatabaseUrl(text);
    } catch (error) {
      if (!(error instanceof DatabaseUrlError)) throw error;
      context.addIssue({ code: 'custom', message: error.complaint });
    }
  })
  .describe('a postgres:// URL that names a database');

/** Relative to the working directory, unless it is absolute. */
export const path = z.string().min(1).describe('a path');

/** Parts separated by commas; spaces around them and empty parts are ignored. */
const partsOf = (text: string): string[] =>
  text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');

export const list = (accepts: (part: string) => boolean, error: string) =>
  z
    .string()
    .transform(partsOf)
    .refine(parts => parts.every(accepts), error)
    .describe(error.replace(/^must be /, ''));

/** As browsers send it: another spelling, such as one with a path, would never match. */
export const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.parse(text)?.origin === text;

/** Not all addresses: then any caller could claim the address of another one. */
export const isProxy = (text: string): boolean => isAddressRange(text, 1);
export const isDestination = (text: string): boolean => isAddressRange(text);

/**
 * What to listen on: an address, or a name that resolves to one. Whether this machine has it is known only after a try. A name
 * is spelt as {@link checkHost} spells it, but it may end with the dot of the root.
 */
export const listenHost = z
  .string()
  .refine(
    text => isIP(text) !== 0 || 'host' in checkHost(text.replace(/[.]$/, '')),
    'must be an address or a name of this machine, without scheme, port and brackets, such as 127.0.0.1, 0.0.0.0 or ::',
  )
  .transform(text => (isIP(text) === 0 ? text.toLowerCase() : text))
  .describe('an address or a name of this machine');

/** Checked like the host of a registration. */
export const host = z
  .string()
  .transform((text, context) => {
    const checked = checkHost(text);
    if ('host' in checked) return checked.host;
    context.addIssue({ code: 'custom', message: checked.complaint });
    return z.NEVER;
  })
  .describe('an address or a name');

const SUBDOMAINS = '*.';

/** Hosts, checked like those of registrations, and `*.` before a name for every name below it; in their canonical spelling. */
export const hostPatterns = z
  .string()
  .transform((text, context) => {
    const patterns: string[] = [];
    for (const part of partsOf(text)) {
      const prefix = part.startsWith(SUBDOMAINS) ? SUBDOMAINS : '';
      const checked = checkHost(part.slice(prefix.length));
      if ('host' in checked && (prefix === '' || isIP(checked.host) === 0)) {
        patterns.push(prefix + checked.host);
        continue;
      }
      const complaint = 'complaint' in checked ? checked.complaint : NO_SUBDOMAINS;
      const message = `must be hosts without ports, such as platform.example.com or *.example.com for every name below it, separated by commas; ${part} ${complaint}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
    return patterns;
  })
  .describe('hosts without ports, separated by commas');

const NO_SUBDOMAINS = 'is an address, and has no names below it';

/**
 * The URL at which clients reach the service: scheme, host, port, and the path prefix that a proxy removes, if any.
 * A slash at its end is ignored: `https://platform.example.com/pcs/` is `https://platform.example.com/pcs`.
 */
export const publicUrl = z
  .string()
  .transform((text, context) => {
    const url = URL.parse(text);
    const isPlain =
      url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
    // An empty query or fragment is not in `search` and `hash`.
    if (isPlain && !/[?#]/.test(text)) return url.href.replace(/\/+$/, '');
    context.addIssue({
      code: 'custom',
      message:
        'must be an http:// or https:// URL without user, query and fragment, such as https://platform.example.com/pcs',
    });
    return z.NEVER;
  })
  .describe('an http:// or https:// URL');
