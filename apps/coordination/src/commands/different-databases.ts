import { type Settings } from '@coordination/config';
import { placeOf } from '@coordination/database';

const OTHERS = ['DATABASE_MIGRATION_URL', 'DATABASE_MAINTENANCE_URL', 'DATABASE_LISTEN_URL'] as const;

/**
 * A sentence for each URL that names another database than DATABASE_URL. Different hosts, ports and roles are normal. A different
 * name may be correct, too, because a pooler can use another name for a database; so it is a warning and not an error.
 */
export function differentDatabases(settings: Settings): string[] {
  if (settings.DATABASE_URL === undefined) return [];
  const own = placeOf(settings.DATABASE_URL).database;
  return OTHERS.flatMap(name => {
    const url = settings[name];
    const other = url === undefined ? own : placeOf(url).database;
    if (other === own) return [];
    return `${name} names the database ${other}, DATABASE_URL names ${own}: one of them is wrong, unless a pooler uses another name for the same database.`;
  });
}
