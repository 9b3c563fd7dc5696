import { type FoundRole } from './app-role.js';
import { type SchemaPrivileges } from './schema-definition.js';
import {
  type Ask,
  byObject,
  describePrivileges,
  type NeededPrivilege,
  neededPrivileges,
} from './service-privileges.js';

/**
 * Grants a role the privileges that the service needs and the role lacks, in the transaction of the caller. Privileges
 * that the role holds already, itself or through another role, are left as they are, so that a run that finds nothing to do
 * changes nothing; so are further privileges that others granted.
 * @returns log lines that say what was granted, or why nothing was
 * @throws Error when a role that was named by a setting does not get everything
 */
export async function grantPrivileges(
  ask: Ask,
  privileges: SchemaPrivileges,
  { role, isNamed, reason }: FoundRole,
): Promise<string[]> {
  if (role === undefined) return [reason];
  const before = await neededPrivileges(ask, privileges, role);
  if (ownsTheTables(before)) {
    return isNamed ? [`The role ${role} may do whatever the owner of the tables may: nothing was granted to it.`] : [];
  }
  const toGrant = before.filter(one => one.isGrantable && !one.isOwner && (!one.isHeld || one.isPublic));
  for (const statement of await statementsFor(ask, role, toGrant)) await ask(statement);
  const left = (await neededPrivileges(ask, privileges, role)).filter(
    ({ isHeld, target }) => !isHeld && target !== null,
  );
  const given = describePrivileges(toGrant.filter(({ isHeld }) => !isHeld));
  const granted = given.length > 0 ? [`Granted to the role ${role}: ${given.join('; ')}.`] : [];
  if (left.length === 0) return granted;
  const complaint = await whoCouldGrant(ask, role, left);
  if (isNamed) throw new Error(`${complaint} Nothing was migrated or granted.`);
  return [...granted, complaint];
}

/** The schema does not count: `public` belongs to the owner of the database. */
const ownsTheTables = (privileges: readonly NeededPrivilege[]): boolean =>
  privileges.every(({ kind, isOwner, target }) => kind === 'schema' || kind === 'search_path' || isOwner || !target);

/** One statement for each object. Functions are taken from the public, to which PostgreSQL gives them by itself. */
async function statementsFor(ask: Ask, role: string, privileges: readonly NeededPrivilege[]): Promise<string[]> {
  const [quoted] = await ask<{ role: string }>('select quote_ident($1) as role', [role]);
  return byObject(privileges).flatMap(([object, of]) => [
    `grant ${of.map(({ privilege }) => privilege).join(', ')} on ${object} to ${quoted!.role}`,
    ...(of.some(({ isPublic }) => isPublic) ? [`revoke execute on ${object} from public`] : []),
  ]);
}

async function whoCouldGrant(ask: Ask, role: string, left: readonly NeededPrivilege[]): Promise<string> {
  const [me] = await ask<{ name: string }>('select current_user::text as name');
  const owners = [...new Set(left.map(({ owner }) => owner))].join(' or ');
  return (
    `The role ${role} lacks ${describePrivileges(left).join('; ')}, and ${me!.name} may not grant that. ` +
    `Let the owner (${owners}) or a superuser grant it.`
  );
}
