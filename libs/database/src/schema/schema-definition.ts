import { type MigrationObject } from '@mikro-orm/core';

/**
 * The schema that this version of the service needs. The application provides it: this library knows no table of the
 * service.
 */
export interface SchemaDefinition {
  /** All migrations, in the order in which they are applied. */
  readonly migrations: readonly (MigrationObject & { readonly name: string })[];
  readonly privileges: SchemaPrivileges;
}

/** What the role of the service may do, and nothing else. */
export interface SchemaPrivileges {
  /** The privileges on each table, by its name. */
  readonly tables: Readonly<Record<string, readonly string[]>>;
  /** Functions that it may execute. */
  readonly functions: readonly string[];
}
