import { type SchemaPrivileges } from './schema-definition.js';

/** Runs one statement with bound parameters on the connection of the caller. */
export type Ask = <Row extends object>(text: string, parameters?: readonly unknown[]) => Promise<Row[]>;

/** The table in which MikroORM's migrator notes what it has applied. The tables of the catalog are in the same schema. */
export const MIGRATIONS_TABLE = 'mikro_orm_migrations';

/** One privilege that the service needs, and whether a role has it. */
export interface NeededPrivilege {
  readonly kind: 'schema' | 'search_path' | 'table' | 'function';
  readonly name: string;
  readonly privilege: string;
  /** The object as SQL can name it; null: it does not exist. */
  readonly target: string | null;
  readonly owner: string | null;
  /** Whether the role is the owner, a member of the owner or a superuser. */
  readonly isOwner: boolean;
  readonly isHeld: boolean;
  /** Whether the role that asks may grant it. */
  readonly isGrantable: boolean;
  /** Whether `public` has it. */
  readonly isPublic: boolean;
}

type Needed = readonly [kind: NeededPrivilege['kind'], name: string, privilege: string];

const neededOf = ({ tables, functions }: SchemaPrivileges): readonly Needed[] => [
  ['schema', '', 'usage'],
  ['search_path', '', ''],
  ...Object.entries(tables).flatMap(([name, privileges]) =>
    privileges.map(privilege => ['table', name, privilege] as const),
  ),
  ...functions.map(name => ['function', name, 'execute'] as const),
];

/**
 * Which of the privileges that the service needs a role has, in one statement. It reads the system catalogs, which every
 * role may read, and does not use `to_regclass`, which does not find objects in a schema that the role may not use.
 * Functions are found by name without their arguments: a later version may add some.
 * @param role the one that asks, if none is named
 * @returns nothing where there is no table of migrations, and so nothing that one could have privileges on
 */
export async function neededPrivileges(
  ask: Ask,
  privileges: SchemaPrivileges,
  role?: string,
): Promise<NeededPrivilege[]> {
  const needed = neededOf(privileges);
  const columns = [0, 1, 2].map(column => needed.map(row => row[column]));
  return await ask<NeededPrivilege>(
    `with home as (
       select s.oid, s.nspname as name, s.nspowner as owner
       from pg_class c join pg_namespace s on s.oid = c.relnamespace
       where c.relname = '${MIGRATIONS_TABLE}' and c.relkind = 'r' and s.nspname !~ '^pg_'
       order by pg_table_is_visible(c.oid) desc, s.nspname = 'public' desc
       limit 1
     ), bearer as (
       select coalesce($1::name, current_user) as role
     )
     select n.kind, coalesce(nullif(n.name, ''), h.name) as name, n.privilege, o.target, o.owner::regrole::text as owner,
       coalesce(pg_has_role(b.role, o.owner, 'usage'), false) as "isOwner", coalesce(o.held, false) as "isHeld",
       coalesce(o.grantable, false) as "isGrantable", coalesce(o.public, false) as "isPublic"
     from home h cross join bearer b
     cross join unnest($2::text[], $3::text[], $4::text[]) with ordinality as n(kind, name, privilege, place)
     left join lateral (
       select quote_ident(h.name) as target, h.owner, has_schema_privilege(b.role, h.oid, 'usage') as held,
         has_schema_privilege(h.oid, 'usage with grant option') as grantable, false as public
       where n.kind = 'schema'
       union all
       -- The path of another role is unknown. Without usage the schema is not in the path, which is reported once.
       select quote_ident(h.name), h.owner,
         $1::name is not null or h.name = any(current_schemas(false)) or not has_schema_privilege(h.oid, 'usage'), false, false
       where n.kind = 'search_path'
       union all
       select c.oid::regclass::text, c.relowner, has_table_privilege(b.role, c.oid, n.privilege),
         has_table_privilege(c.oid, n.privilege || ' with grant option'), false
       from pg_class c
       where n.kind = 'table' and c.relnamespace = h.oid and c.relname = n.name and c.relkind in ('r', 'p')
       union all
       select p.oid::regprocedure::text, p.proowner, has_function_privilege(b.role, p.oid, 'execute'),
         has_function_privilege(p.oid, 'execute with grant option'),
         exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)
       from pg_proc p
       where n.kind = 'function' and p.pronamespace = h.oid and p.proname = n.name
     ) o on true
     order by n.place, o.target`,
    [role ?? null, ...columns],
  );
}

/** The privileges on each object, under its kind and name as SQL has them. */
export const byObject = (privileges: readonly NeededPrivilege[]): [string, NeededPrivilege[]][] => [
  ...Map.groupBy(privileges, ({ kind, name, target }) => `${kind} ${target ?? name}`),
];

/** Privileges as people read them, one text for each object, such as `select, insert on table service_event`. */
export function describePrivileges(privileges: readonly NeededPrivilege[]): string[] {
  return byObject(privileges).map(([object, of]) => {
    const { kind, name, target } = of[0]!;
    if (kind === 'search_path') return `schema ${name} in the search_path`;
    const text = `${of.map(({ privilege }) => privilege).join(', ')} on ${object}`;
    return target === null ? `${text} (which does not exist)` : text;
  });
}
