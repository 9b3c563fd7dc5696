/** What the service does with tables. Nothing else is ever granted to its role. */
export type TablePrivilege = 'select' | 'insert' | 'update' | 'delete';

/**
 * The privileges that the role of the service needs. `migrate` grants them, the start of a node checks them, and nothing
 * else lists them. A new table or function is added here or to {@link NOT_FOR_THE_SERVICE}; a test fails for one that is in
 * neither.
 */
export const SERVICE_PRIVILEGES = {
  tables: {
    // The log can be read and appended to. No update, delete or truncate; its partitions are not granted at all.
    service_event: ['select', 'insert'],
    catalog_head: ['select', 'update'],
    service_instance: ['select', 'insert', 'update', 'delete'],
    instance_lease: ['select', 'insert', 'update', 'delete'],
    idempotency_key: ['select', 'insert', 'update', 'delete'],
    service_revision: ['select', 'insert', 'update'],
    // Services without instances are dropped by a function of the owner, which raises floors as well.
    namespace_floor: ['select', 'update'],
    node_role: ['select', 'insert', 'update'],
    liveness_guard: ['select', 'insert', 'update', 'delete'],
    liveness_order: ['select', 'insert', 'update', 'delete'],
    probe_guard: ['select', 'insert', 'update', 'delete'],
    probe_second_look: ['select', 'insert', 'update', 'delete'],
    // Where the log begins, and what the catalog was there. Only the maintenance writes them.
    log_cut: ['select'],
    catalog_baseline: ['select'],
    // To see whether the schema is the one that this version needs.
    mikro_orm_migrations: ['select'],
  } satisfies Record<string, readonly TablePrivilege[]>,
  /** Functions that the service calls. No other role may, so `public` loses them. */
  functions: ['lock_catalog_head', 'catalog_server', 'ensure_service_event_partitions', 'drop_empty_services'],
} as const;

/** Relations and functions that the role of the service gets no privilege on, as patterns of their names. */
export const NOT_FOR_THE_SERVICE: readonly RegExp[] = [
  /^service_event_p\d+$/, // partitions: a role that could write to them would bypass what the log refuses
  /^mikro_orm_migrations_id_seq$/, // only a migration writes that table
  /^refuse_service_event_change$/, // a trigger function, which PostgreSQL runs without asking for a privilege
];
