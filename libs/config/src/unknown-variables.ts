import { likeliestName } from '@coordination/kernel';

const OWN_PREFIX = 'PCS_';
const SHARED_PREFIX = 'DATABASE_';

/** A name that differs from a setting in at most so many letters is a misspelt setting. */
const MISSPELT_BY = 2;
/** A hint allows more differences: a quarter of the letters. */
const HINT_SHARE = 0.25;

/** The variables that Kubernetes sets in every container for a Service with a name such as `database`. */
const SERVICE_LINK =
  /_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

export const isServiceLink = (name: string): boolean => SERVICE_LINK.test(name);

/**
 * The messages about variables that are most likely misspelt settings: all unknown ones with the prefix of this service, and
 * those that are a letter or two away from a setting whose name begins with `DATABASE_`. Platforms set variables with that
 * prefix, too, so other variables are ignored.
 */
export function misspeltVariables(env: NodeJS.ProcessEnv, settings: readonly string[]): string[] {
  const shared = settings.filter(name => name.startsWith(SHARED_PREFIX));
  return unknownNames(env, settings).flatMap(name => {
    if (name.startsWith(OWN_PREFIX)) {
      const meant = likeliestName(name, settings, Math.max(MISSPELT_BY, Math.floor(name.length * HINT_SHARE)));
      const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
      return [`${name} is not a setting of this service (see docs/configuration.md)${hint}`];
    }
    const meant =
      env[name] && !isServiceLink(name) ? likeliestName(name.toUpperCase(), shared, MISSPELT_BY) : undefined;
    // With a misspelt prefix it may be a variable of another program. It only matters if the setting is missing.
    if (meant === undefined || (!name.startsWith(SHARED_PREFIX) && env[meant])) return [];
    return [`${name} is not a setting of this service: did you mean ${meant}?`];
  });
}

/** The variables whose names begin like those of settings, but that belong to other programs and are ignored. */
export function foreignVariables(env: NodeJS.ProcessEnv, settings: readonly string[]): string[] {
  return unknownNames(env, settings)
    .filter(name => name.startsWith(SHARED_PREFIX))
    .sort();
}

const unknownNames = (env: NodeJS.ProcessEnv, settings: readonly string[]): string[] =>
  Object.keys(env).filter(name => !settings.includes(name));
