import { type DatabaseUrl } from './database-url/database-url.js';
import { formatDatabaseUrl, parseDatabaseUrl } from './database-url/parse-database-url.js';

const SERVICE_FILE = 'DATABASE_PASSWORD_FILE';

/** The settings with the URL of a database, that of the service first, and the settings with their password files. */
const FILES = [
  ['DATABASE_URL', SERVICE_FILE],
  ['DATABASE_LISTEN_URL', undefined],
  ['DATABASE_MIGRATION_URL', 'DATABASE_MIGRATION_PASSWORD_FILE'],
  ['DATABASE_MAINTENANCE_URL', 'DATABASE_MAINTENANCE_PASSWORD_FILE'],
] as const;

/** Settings by name, as far as they are valid. */
type Values = Readonly<Record<string, unknown>>;

/** URLs with the parameter of their password file, and what is wrong with the settings that they come from. */
export interface UrlsWithFiles {
  readonly urls: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}

/**
 * Adds password files to the URLs that they belong to, so that a URL is all that is needed to connect. The file of the
 * service also applies to other URLs of the same user that have no password.
 */
export function withPasswordFiles(values: Values): UrlsWithFiles {
  const urls: Record<string, string> = {};
  const problems: string[] = [];
  const service = parsed(values['DATABASE_URL']);
  for (const [urlName, fileName] of FILES) {
    const url = parsed(values[urlName]);
    const own = fileName === undefined ? undefined : (values[fileName] as string | undefined);
    if (own !== undefined && values[urlName] === undefined) {
      problems.push(`${fileName} is set without ${urlName}, whose password the file has`);
    }
    if (!url) continue;
    const hasPassword = url.password !== undefined || url.passwordFile !== undefined;
    if (url.password !== undefined && url.passwordFile !== undefined) {
      problems.push(`${urlName} has a password and a password_file: remove one of them`);
    } else if (own !== undefined && hasPassword) {
      problems.push(`${urlName} has a password, and ${fileName} is set: remove one of them`);
    }
    const isOfService = !hasPassword && url.user !== undefined && url.user === service?.user;
    const file = own ?? (isOfService ? (values[SERVICE_FILE] as string | undefined) : undefined);
    if (file !== undefined) urls[urlName] = formatDatabaseUrl({ ...url, passwordFile: file });
  }
  return { urls, problems };
}

const parsed = (url: unknown): DatabaseUrl | undefined => (typeof url === 'string' ? parseDatabaseUrl(url) : undefined);
