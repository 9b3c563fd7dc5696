import { serverVariables } from './server-variables.js';
import { SETTING_NAMES } from './settings.js';
import { foreignVariables } from './unknown-variables.js';

/** The variables of this environment that name a database server: {@link serverVariables}. */
export const serverVariablesOf = (env: NodeJS.ProcessEnv): string[] => serverVariables(env, SETTING_NAMES);

/** A sentence about the ignored variables whose names begin like those of settings; undefined if there are none. */
export function foreignVariablesOf(env: NodeJS.ProcessEnv): string | undefined {
  const names = foreignVariables(env, SETTING_NAMES);
  if (names.length === 0) return undefined;
  return `Ignored variables, because this service has no settings with these names: ${names.join(', ')}.`;
}
