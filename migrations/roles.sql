-- Three roles: coordination_owner owns the schema and migrates; coordination_app is what the service runs as, and can
-- neither change nor remove what is in the log; coordination_maintenance removes what is older than the retention from the
-- log (npm run audit-compact). Only who owns a table may detach its partitions, so it is a member of the owner, and may
-- whatever that may: keep its password where the service cannot reach it. To be run in the service's database:
--
--   1. by a superuser: the part "Roles",
--   2. the migrations, as coordination_owner (npm run migrate with DATABASE_URL of that role),
--   3. by coordination_owner, after the first migration and after each further one: the part "Grants".
--
-- docs/operations.md tells more. Both parts can be repeated.

-- Roles ------------------------------------------------------------------------------------------------------------

do $$
begin
  if not exists (select from pg_roles where rolname = 'coordination_owner') then
    create role coordination_owner login;
  end if;
  if not exists (select from pg_roles where rolname = 'coordination_app') then
    create role coordination_app login;
  end if;
  if not exists (select from pg_roles where rolname = 'coordination_maintenance') then
    create role coordination_maintenance login;
  end if;
end
$$;

grant coordination_owner to coordination_maintenance;

grant usage, create on schema public to coordination_owner;
grant usage on schema public to coordination_app;

-- Grants -----------------------------------------------------------------------------------------------------------

-- The log can be read and appended to. No update, delete, truncate; and partitions cannot be reached directly at all.
grant select, insert on service_event to coordination_app;
grant select, update on catalog_head to coordination_app;

grant select, insert, update, delete on service_instance, instance_lease, idempotency_key to coordination_app;
grant select, insert, update on service_revision to coordination_app;
grant select, update on namespace_floor to coordination_app;
grant select, insert, update on node_role to coordination_app;
grant select, insert, update, delete on liveness_guard, liveness_order to coordination_app;

-- Where the log begins, and what the catalog was there. Only the maintenance writes them.
grant select on log_cut, catalog_baseline to coordination_app;

-- To see whether the schema is the one that this version needs.
grant select on mikro_orm_migrations to coordination_app;

revoke execute on function lock_catalog_head, catalog_server, ensure_service_event_partitions, drop_empty_services from public;
grant execute on function lock_catalog_head, catalog_server, ensure_service_event_partitions, drop_empty_services
  to coordination_app;
