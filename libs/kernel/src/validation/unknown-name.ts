import { shownToken } from '../json/json-safety.js';
import { meantName } from './intended-name.js';

/** Enough for the parameters of any operation. */
const MAX_LISTED = 40;

/**
 * The message about a name that is not known at its place.
 * @param known the names that are known there; undefined if that cannot be determined
 * @param isListed whether the message lists all of them; if several names are wrong, once is enough
 */
export function unknownName(name: string, known: readonly string[] | undefined, isListed = true): string {
  const unknown = 'is not known here';
  if (known === undefined) return unknown;
  if (known.length === 0) return `${unknown}: this operation takes no parameters`;
  const meant = meantName(name, known);
  const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
  if (!isListed) return `${unknown}${hint}`;
  return `${unknown}${hint}${hint === '' ? '; known:' : ' Known:'} ${listed(known)}`;
}

/** `: did you mean …?` for a value that is not one of the choices; empty if none of them is similar. */
export function meantValue(written: unknown, choices: readonly unknown[]): string {
  const texts = choices.filter(choice => typeof choice === 'string');
  const meant = typeof written === 'string' ? meantName(written, texts) : undefined;
  return meant === undefined ? '' : `: did you mean ${meant}?`;
}

/**
 * The message about an object whose discriminator is missing or wrong.
 * @param name the name of the discriminator
 */
export function unknownKind(input: unknown, name: string, kinds: readonly string[]): string {
  const must = `must be ${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1)}`;
  if (typeof input !== 'object' || input === null) return must;
  const given = (input as Readonly<Record<string, unknown>>)[name];
  if (given !== undefined) return `${must}${meantValue(given, kinds)}`;
  const misspelt = Object.keys(input).find(key => meantName(key, [name]) !== undefined);
  return misspelt === undefined ? must : `${must}; ${shownToken(misspelt)} is not known here: did you mean ${name}?`;
}

function listed(names: readonly string[]): string {
  const rest = names.length - MAX_LISTED;
  return rest > 0 ? `${names.slice(0, MAX_LISTED).join(', ')} and ${rest} more` : names.join(', ');
}
