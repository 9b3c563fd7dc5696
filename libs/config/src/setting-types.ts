import { isIP } from 'node:net';
import { checkHost, parseRange } from '@coordination/kernel';
import { z } from 'zod';
import { DatabaseUrlError } from './database-url/database-url.js';
import { parseDatabaseUrl } from './database-url/parse-database-url.js';

/** A whole number in its text form. */
export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

export const share = z
  .string()
  .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'must be a share from 0 to 1, such as 0.3')
  .transform(Number);

export const onOff = z.enum(['on', 'off'], { error: 'must be on or off' }).transform(value => value === 'on');

/** The URL of a database, as it was written. */
export const postgresUrl = z.string().superRefine((text, context) => {
  try {
    parseDatabaseUrl(text);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    context.addIssue({ code: 'custom', message: error.complaint });
  }
});

/** Relative to the working directory, unless it is absolute. */
export const path = z.string().min(1);

/** Parts separated by commas; spaces around them and empty ones do not count. */
export const list = (accepts: (part: string) => boolean, error: string) =>
  z
    .string()
    .transform(value =>
      value
        .split(',')
        .map(part => part.trim())
        .filter(part => part !== ''),
    )
    .refine(parts => parts.every(accepts), error);

/** As a browser sends it: another spelling, such as one with a path, would never match. */
export const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.parse(text)?.origin === text;

/** @param least bits of the network */
function isAddressOrRange(text: string, least: number): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  // A zone names an interface of one machine, and no range has one.
  if (most === 0 || rest.length > 0 || address.includes('%')) return false;
  if (bits === undefined) return true;
  return /^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most && parseRange(text).bits >= least;
}

/** Not everything: then any caller could say that it is another one. */
export const isProxy = (text: string): boolean => isAddressOrRange(text, 1);
export const isDestination = (text: string): boolean => isAddressOrRange(text, 0);

/** As the host of any registration. */
export const host = z.string().transform((text, context) => {
  const checked = checkHost(text);
  if ('host' in checked) return checked.host;
  context.addIssue({ code: 'custom', message: checked.complaint });
  return z.NEVER;
});

/**
 * The URL at which clients reach the service: scheme, host, port, and the path prefix that a proxy takes off, if any.
 * A slash at its end does not count: `https://platform.example.com/pcs/` is `https://platform.example.com/pcs`.
 */
export const publicUrl = z.string().transform((text, context) => {
  const url = URL.parse(text);
  const isPlain =
    url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  // What follows `?` or `#` may be empty, and is left out of `search` and `hash` then.
  if (isPlain && !/[?#]/.test(text)) return url.href.replace(/\/+$/, '');
  context.addIssue({
    code: 'custom',
    message:
      'must be an http:// or https:// URL without user, query and fragment, such as https://platform.example.com/pcs',
  });
  return z.NEVER;
});
