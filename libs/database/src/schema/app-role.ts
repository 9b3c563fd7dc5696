import { type Settings } from '@coordination/config';
import { placeOf } from '../servers/database-place.js';
import { type Ask } from './service-privileges.js';

/** The role that `migrations/roles.sql` makes for the service. */
export const DEFAULT_APP_ROLE = 'coordination_app';

/** What is known of the role that the service runs as. */
export interface AppRole {
  /** The one that DATABASE_APP_ROLE names; it must exist. */
  readonly named?: string;
  /** The user of the service's URL, where the migrations have another one. Behind a pooler it may not be a role of the server. */
  readonly serviceUser?: string;
}

/** The role that the service runs as, by the settings of one process. */
export function appRoleOf(
  settings: Pick<Settings, 'DATABASE_APP_ROLE' | 'DATABASE_MIGRATION_URL' | 'DATABASE_URL'>,
): AppRole {
  const { DATABASE_APP_ROLE: named, DATABASE_MIGRATION_URL: migration, DATABASE_URL: service } = settings;
  if (named !== undefined || migration === undefined || service === undefined) return { named };
  const serviceUser = placeOf(service).role;
  return serviceUser === placeOf(migration).role ? {} : { serviceUser };
}

/** The role that gets the privileges, and whether a setting names it; or why there is none. */
export type FoundRole =
  | { readonly role: string; readonly isNamed: boolean; readonly reason?: undefined }
  | { readonly role?: undefined; readonly isNamed?: undefined; readonly reason: string };

/**
 * Looks for the role that the service runs as: the one that is named, else the user of the service's URL, else
 * {@link DEFAULT_APP_ROLE}.
 * @throws Error when there is no role of the name that was given
 */
export async function findAppRole(ask: Ask, { named, serviceUser }: AppRole): Promise<FoundRole> {
  const wanted = named !== undefined ? [named] : [serviceUser, DEFAULT_APP_ROLE].filter(name => name !== undefined);
  const rows = await ask<{ me: string; role: string | null }>(
    `select current_user::text as me, (
       select r.rolname::text from unnest($1::text[]) with ordinality as w(name, place) join pg_roles r on r.rolname = w.name
       order by w.place limit 1
     ) as role`,
    [wanted],
  );
  const { me, role } = rows[0]!;
  if (role !== null) return { role, isNamed: named !== undefined };
  if (named !== undefined) {
    throw new Error(
      `There is no role ${named}, which DATABASE_APP_ROLE names. Make it (migrations/roles.sql) or correct the name. ` +
        'Nothing was migrated or granted.',
    );
  }
  return {
    reason:
      `No privileges were granted, because there is no role ${wanted.join(' or ')}. That is right if the service runs ` +
      `as ${me}; if it runs as another role, set DATABASE_APP_ROLE to its name and migrate again.`,
  };
}
