import { likeliestName } from '@coordination/kernel';

const OWN_PREFIX = 'PCS_';
const SHARED_PREFIX = 'DATABASE_';

/** So many letters away from the name of a setting, a name is a misspelt one. */
const MISSPELT_BY = 2;
/** For a hint more may be different: a quarter of the letters. */
const HINT_SHARE = 0.25;

/** What Kubernetes sets in every container for a Service that is called `database`, say. It means nobody's settings. */
const SERVICE_LINK =
  /_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

export const isServiceLink = (name: string): boolean => SERVICE_LINK.test(name);

/**
 * Says of each variable that is no setting, but most likely a misspelt one, what is wrong with it: all with our prefix, and
 * those that are a letter or two away from a setting whose name begins with `DATABASE_`. Platforms set variables with that
 * prefix, too, so the others are left alone.
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
    // A prefix that is misspelt, too, may be that of others. It only does harm where the setting is missing.
    if (meant === undefined || (!name.startsWith(SHARED_PREFIX) && env[meant])) return [];
    return [`${name} is not a setting of this service: did you mean ${meant}?`];
  });
}

/** The variables whose names begin as settings do, but that are others' and are left alone. */
export function foreignVariables(env: NodeJS.ProcessEnv, settings: readonly string[]): string[] {
  return unknownNames(env, settings)
    .filter(name => name.startsWith(SHARED_PREFIX))
    .sort();
}

const unknownNames = (env: NodeJS.ProcessEnv, settings: readonly string[]): string[] =>
  Object.keys(env).filter(name => !settings.includes(name));
