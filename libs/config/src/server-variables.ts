import { isServiceLink } from './unknown-variables.js';

const POSTGRES_URL = /^(?:jdbc:)?postgres(?:ql)?:\/\//i;
/** Variables of libpq that name a server, a database or a role. */
const LIBPQ = /^PG(?:HOST|HOSTADDR|PORT|DATABASE|USER|PASSWORD|PASSFILE|SERVICE|SERVICEFILE)$/;
/** Names that other programs use for the URL of a database. */
const PLACE =
  /^(?:[A-Z0-9]+_)*(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|PGSQL)_?(?:[A-Z0-9]+_)*(?:URL|URI|DSN|HOST|HOSTNAME|SERVER|CONNECTION_STRING)$/;

/**
 * The variables of an environment that name a database server, whether this service reads them or not, in order. A command
 * with such a variable was intended for that server, and must not use the embedded PostgreSQL only because it reads another
 * variable. An empty variable counts if this service reads it: most likely its value was lost.
 */
export function serverVariables(env: NodeJS.ProcessEnv, settings: readonly string[]): string[] {
  return Object.entries(env)
    .filter(([name, value = '']) => {
      if (isServiceLink(name)) return false;
      if (settings.includes(name)) return name.startsWith('DATABASE_') && name.endsWith('_URL');
      return value !== '' && (POSTGRES_URL.test(value) || LIBPQ.test(name) || PLACE.test(name.toUpperCase()));
    })
    .map(([name]) => name)
    .sort();
}
