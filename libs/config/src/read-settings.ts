import { checkHost, isUnspecified } from '@coordination/kernel';
import { withPasswordFiles } from './password-files.js';
import { settingText } from './setting-text.js';
import { SETTING_NAMES, type SettingEntry, SETTINGS, type Settings } from './settings.js';
import { misspeltVariables } from './unknown-variables.js';

/** A setting that cannot be used; the message is one line that names it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const HOURS_OF_DAY = 24;
/** The service needs the first; commands may have only the URL of their own role. */
const SERVER_URLS = ['DATABASE_URL', 'DATABASE_MIGRATION_URL', 'DATABASE_MAINTENANCE_URL'];
const NO_SERVER_IN_PRODUCTION =
  'DATABASE_URL must be set with NODE_ENV=production, the embedded PostgreSQL is for development';

const isProduction = (values: { readonly NODE_ENV?: unknown }): boolean => values.NODE_ENV === 'production';

/**
 * Must be called before the embedded PostgreSQL is used.
 * @throws SettingsError in production, where a missing DATABASE_URL must be noticed
 */
export function assertEmbeddedAllowed(settings: Settings): void {
  if (isProduction(settings)) throw new SettingsError(`Bad settings: ${NO_SERVER_IN_PRODUCTION}.`);
}

/**
 * The checked settings of an environment. Foreign variables are ignored; an unknown one with the prefix of this service is an
 * error, because it is most likely a misspelt setting.
 * @throws SettingsError with one line that names every bad variable.
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { values, problems } = readEach(env);
  if (problems.length === 0) {
    const passwords = withPasswordFiles(values);
    Object.assign(values, passwords.urls);
    problems.push(...passwords.problems);
  }
  if (problems.length === 0 && isProduction(values) && SERVER_URLS.every(name => values[name] === undefined)) {
    problems.push(NO_SERVER_IN_PRODUCTION);
  }
  const asSettings = values as Partial<Settings>;
  problems.push(...[retentionComplaint(asSettings), addressComplaint(asSettings)].filter(text => text !== undefined));
  if (problems.length > 0) throw new SettingsError(`Bad settings: ${problems.join('; ')}.`);
  return values as Settings;
}

/** Each setting by itself. */
function readEach(env: NodeJS.ProcessEnv): { readonly values: Record<string, unknown>; readonly problems: string[] } {
  const problems = misspeltVariables(env, SETTING_NAMES);
  const values: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries<SettingEntry>(SETTINGS)) {
    const { text, complaint } = settingText(env[name], entry.fallback);
    if (complaint !== undefined) problems.push(`${name} ${complaint}`);
    if (text === null) continue;
    const result = entry.schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else problems.push(`${name} ${result.error.issues[0]?.message ?? 'is not valid'}`);
  }
  return { values, problems };
}

function retentionComplaint({
  PCS_AUDIT_RETENTION_DAYS: days,
  PCS_IDEMPOTENCY_KEEP_HOURS: hours,
}: Partial<Settings>): string | undefined {
  if (days === undefined || hours === undefined || days * HOURS_OF_DAY > hours) return undefined;
  return `PCS_AUDIT_RETENTION_DAYS must be longer than the ${hours} hours of PCS_IDEMPOTENCY_KEEP_HOURS, whose responses are read from the log`;
}

/** A node registers itself with the address that it listens on, unless another one is set. */
function addressComplaint({ HOST, PCS_ADVERTISED_HOST, PCS_SELF_REGISTRATION }: Partial<Settings>): string | undefined {
  if (HOST === undefined || !PCS_SELF_REGISTRATION || PCS_ADVERTISED_HOST !== undefined) return undefined;
  if (isUnspecified(HOST)) return undefined;
  const checked = checkHost(HOST);
  if (!('complaint' in checked)) return undefined;
  return `PCS_ADVERTISED_HOST must be set with HOST=${HOST}, by which a node cannot be registered (it ${checked.complaint})`;
}
