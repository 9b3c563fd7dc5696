import { Migration } from '@mikro-orm/migrations';

/** How many revisions one partition of the log holds. `ensure_service_event_partitions` has the same number. */
const PARTITION_SIZE = 1_000_000;

/** The catalog: its head, its log, its present state, its leases and the revisions of its services. */
export class Migration20261123000000 extends Migration {
  override up(): void {
    this.createHead();
    this.createLog();
    this.keepLogAppendOnly();
    this.createPartitionMaker();
    this.createCatalog();
  }

  override down(): void {
    this.addSql('drop table instance_lease, service_instance, service_revision, service_event, catalog_head');
    this.addSql('drop function ensure_service_event_partitions, refuse_service_event_change, lock_catalog_head');
  }

  private createHead(): void {
    this.addSql(`
      create table catalog_head (
        id smallint not null,
        revision bigint not null,
        hash text not null,
        at timestamptz(3) not null,
        epoch uuid not null,
        fence bigint not null default 0,
        system_identifier text not null,
        timeline int not null,
        primary key (id),
        constraint catalog_head_one_row check (id = 1),
        constraint catalog_head_revision_range check (revision >= 0 and revision < 9007199254740992),
        constraint catalog_head_hash_form check (hash ~ '^[0-9a-f]{64}$'),
        constraint catalog_head_fence_range check (fence >= 0)
      ) with (fillfactor = 10, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0)
`);

    // The lock and its limits in one round trip. A node that hangs while it holds the head must not stop the others:
    // tcp_user_timeout alone ends a backend that is blocked on sending to a stopped client, and the others end what it
    // does not. They are local to the transaction, since poolers drop session settings. Whoever waits here must outlast a
    // holder that is being ended, hence twice the limit.
    this.addSql(`
      create function lock_catalog_head(hold_limit_ms int)
      returns table (revision bigint, hash text, epoch uuid, fence bigint, at timestamptz)
      language plpgsql as $$
      declare
        head catalog_head;
      begin
        perform
          set_config('tcp_user_timeout', hold_limit_ms::text, true),
          set_config('idle_in_transaction_session_timeout', hold_limit_ms::text, true),
          set_config('statement_timeout', hold_limit_ms::text, true),
          set_config('lock_timeout', (2 * hold_limit_ms)::text, true);
        select * into head from catalog_head h where h.id = 1 for update;
        if not found then
          return;
        end if;
        -- A statement of its own: a clock in the one above could be read before the wait for the lock.
        return query select head.revision, head.hash, head.epoch, head.fence,
          greatest(date_trunc('milliseconds', clock_timestamp()), head.at);
      end
      $$
    `);
    // One unbroken history begins here. The server's identity is kept with it, since a restored copy has another.
    this.addSql(`
      insert into catalog_head (id, revision, hash, at, epoch, system_identifier, timeline)
      select 1, 0, repeat('0', 64), date_trunc('milliseconds', now()), gen_random_uuid(),
        (select system_identifier::text from pg_control_system()),
        (select timeline_id from pg_control_checkpoint())
    `);
  }

  private createLog(): void {
    this.addSql(`
      create table service_event (
        revision bigint not null,
        at timestamptz(3) not null,
        action text not null,
        namespace text null,
        service text null,
        instance_id text null,
        instance_uuid uuid null,
        actor text not null,
        client_address text null,
        request_id text null,
        source text not null,
        reason text null,
        batch_id uuid not null,
        version int null,
        before jsonb null,
        after jsonb null,
        previous_hash text not null,
        hash text not null,
        hash_version smallint not null,
        primary key (revision),
        constraint service_event_revision_range check (revision > 0 and revision < 9007199254740992),
        constraint service_event_previous_hash_form check (previous_hash ~ '^[0-9a-f]{64}$'),
        constraint service_event_hash_form check (hash ~ '^[0-9a-f]{64}$'),
        constraint service_event_action_form check (action ~ '^[a-z]+[.][a-z_]+$'),
        constraint service_event_says_something check (before is not null or after is not null or action !~ '^instance[.]')
      ) partition by range (revision)
`);

    this.addSql(`
      create index service_event_instance_idx on service_event (instance_uuid, revision)
`);

    this.addSql(`
      create index service_event_service_idx on service_event (namespace, service, revision)
`);

    this.addSql(`
      create index service_event_actor_idx on service_event (actor, revision)
`);

    this.addSql(`
      create index service_event_request_idx on service_event (request_id, revision)
`);

    this.addSql(`
      create index service_event_at_idx on service_event (at, revision)
`);
  }

  private keepLogAppendOnly(): void {
    this.addSql(`
      create function refuse_service_event_change() returns trigger language plpgsql as $$
      begin
        raise exception 'The log is append-only: % on % is refused.', lower(tg_op), tg_table_name
          using errcode = 'insufficient_privilege';
      end
      $$
    `);
    // Row triggers are cloned to every partition, statement triggers are not: each partition gets its own.
    this.addSql(`
      create trigger service_event_append_only before update or delete on service_event
      for each row execute function refuse_service_event_change()
    `);
    this.addSql(`
      create trigger service_event_no_truncate before truncate on service_event
      for each statement execute function refuse_service_event_change()
    `);
  }

  /**
   * Partitions are made by a function of the owner, because the role of the service may not create tables. They are
   * made as tables and then attached, which does not lock the log against writers.
   */
  private createPartitionMaker(): void {
    this.addSql(`
      create function ensure_service_event_partitions(upto bigint) returns bigint
      language plpgsql security definer as $$
      declare
        size constant bigint := ${PARTITION_SIZE};
        slot bigint;
        partition_name text;
      begin
        -- The partition of the revision and the one after it.
        for slot in select upto / size union all select upto / size + 1 loop
          partition_name := format('service_event_p%s', slot);
          continue when to_regclass(partition_name) is not null;
          perform pg_advisory_xact_lock(hashtext('service_event_partitions'));
          -- Not to_regclass again: it would remember that there was none before the wait.
          continue when exists (
            select from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'service_event'::regclass and c.relname = partition_name);
          execute format('create table %I (like service_event including all)', partition_name);
          execute format('alter table %I add constraint %I check (revision >= %s and revision < %s)',
            partition_name, partition_name || '_range', slot * size, (slot + 1) * size);
          execute format('create trigger service_event_no_truncate before truncate on %I '
            'for each statement execute function refuse_service_event_change()', partition_name);
          execute format('alter table service_event attach partition %I for values from (%s) to (%s)',
            partition_name, slot * size, (slot + 1) * size);
          execute format('alter table %I drop constraint %I', partition_name, partition_name || '_range');
        end loop;
        return (upto / size + 2) * size - 1;
      end
      $$
    `);
    // It acts as its owner, so its names must mean what they mean here, and not what a caller puts before them.
    this.addSql(`
      do $$
      begin
        execute format('alter function ensure_service_event_partitions set search_path = %I, pg_temp', current_schema());
      end
      $$
    `);
    this.addSql('select ensure_service_event_partitions(0)');
  }

  private createCatalog(): void {
    this.addSql(`
      create table service_instance (
        id uuid not null,
        namespace text not null,
        service text not null,
        instance_id text not null,
        type text not null,
        scheme text not null,
        host text not null,
        port int not null,
        zone text null,
        weight int not null,
        metadata jsonb not null default '{}',
        check_terms jsonb not null,
        health jsonb not null,
        override jsonb null,
        status text generated always as (coalesce(override ->> 'status', health ->> 'state')) stored not null,
        registered_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        version int not null default 1,
        revision bigint not null,
        primary key (id),
        constraint service_instance_identity_key unique (namespace, service, instance_id) deferrable initially immediate,
        constraint service_instance_namespace_form check (namespace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
        constraint service_instance_service_form check (service ~ '^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$'),
        constraint service_instance_instance_id_form check (instance_id ~ '^([A-Za-z0-9._:@-]{1,200}|\\[[0-9a-f:.]{2,45}\\]:[0-9]{1,5})$'),
        constraint service_instance_type_known check (type in ('api', 'worker', 'scheduler', 'gateway', 'cache', 'database', 'message_broker', 'monitoring', 'other')),
        constraint service_instance_scheme_known check (scheme in ('http', 'https', 'grpc', 'grpcs', 'tcp', 'udp', 'ws', 'wss')),
        constraint service_instance_host_length check (length(host) >= 1 and length(host) <= 253),
        constraint service_instance_port_range check (port >= 1 and port <= 65535),
        constraint service_instance_weight_range check (weight >= 0 and weight <= 10000),
        constraint service_instance_metadata_is_object check (jsonb_typeof(metadata) = 'object'),
        constraint service_instance_check_kind_known check (coalesce(check_terms ->> 'kind', '') in ('heartbeat', 'none', 'http', 'tcp', 'grpc')),
        constraint service_instance_health_state_known check (coalesce(health ->> 'state', '') in ('healthy', 'degraded', 'unhealthy', 'unknown', 'starting')),
        constraint service_instance_override_status_known check (override is null or override ->> 'status' in ('maintenance', 'stopping', 'stopped')),
        constraint service_instance_times_ordered check (updated_at >= registered_at),
        constraint service_instance_version_positive check (version > 0),
        constraint service_instance_revision_positive check (revision > 0)
      ) with (fillfactor = 85)
`);

    this.addSql(`
      create index service_instance_metadata_idx on service_instance using gin (metadata jsonb_path_ops)
`);

    this.addSql(`
      create index service_instance_app_version_idx on service_instance ((left(metadata ->> 'version', 257)))
`);

    this.addSql(`
      create index service_instance_override_until_idx on service_instance ((override ->> 'until'))
      where override ->> 'until' is not null
    `);

    this.addSql(`
      create index service_instance_registered_idx on service_instance (registered_at, id)
`);

    this.addSql(`
      create index service_instance_updated_idx on service_instance (updated_at, id)
`);

    this.addSql(`
      create table instance_lease (
        instance_id uuid not null,
        renewed_at timestamptz(3) not null,
        checked_at timestamptz(3) null,
        ttl_seconds int null,
        primary key (instance_id),
        constraint instance_lease_ttl_range check (ttl_seconds >= 1 and ttl_seconds <= 86400),
        constraint instance_lease_instance_id_foreign foreign key (instance_id) references service_instance (id) on delete cascade
      ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)
`);

    this.addSql(`
      create table service_revision (
        namespace text not null,
        service text not null,
        revision bigint not null,
        primary key (namespace, service),
        constraint service_revision_positive check (revision > 0)
      )
`);
  }
}
