-- Three roles: coordination_owner owns the schema and migrates; coordination_app is what the service runs as, and can
-- neither change nor remove what is in the log; coordination_maintenance removes what is older than the retention from the
-- log (npm run audit-compact). Only who owns a table may detach its partitions, so it is a member of the owner, and may
-- whatever that may: keep its password where the service cannot reach it.
--
-- To be run by a superuser in the service's database, before the first migration. It can be repeated. The privileges on
-- tables and functions are not here: each run of the migrations grants them to coordination_app, or to the role that
-- DATABASE_APP_ROLE names (migrations/service-privileges.ts has the list). docs/operations.md tells more.

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
