import { Migration } from '@mikro-orm/migrations';

/** What is needed to notice that a history has been broken, and to find the epochs that began for it. */
export class Migration20261125000200 extends Migration {
  override up(): void {
    this.addSql('drop function lock_catalog_head');
    // Which server this is. The timeline is that of the WAL being written: the one in the control file is right only
    // after the first checkpoint that follows a promotion. A standby writes none.
    this.addSql(`
      create function catalog_server(out system_identifier text, out timeline int) language sql as $$
        select
          (select c.system_identifier::text from pg_control_system() c),
          case when not pg_is_in_recovery() then ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end
      $$
    `);
    // The lock as it was, and in the same round trip what tells whether the history goes on: where the head was last
    // written, which server this is, and the hash that the log has at a revision that the caller knows.
    this.addSql(`
      create function lock_catalog_head(hold_limit_ms int, known_revision bigint default null)
      returns table (revision bigint, hash text, epoch uuid, fence bigint, at timestamptz, system_identifier text,
        timeline int, server_system_identifier text, server_timeline int, known_hash text)
      language plpgsql as $$
      declare
        head catalog_head;
        found_hash text;
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
        if known_revision = head.revision then
          found_hash := head.hash;
        elsif known_revision = 0 then
          found_hash := repeat('0', 64);
        elsif known_revision is not null then
          select e.hash into found_hash from service_event e where e.revision = known_revision;
        end if;
        -- A statement of its own: a clock in the one above could be read before the wait for the lock.
        return query select head.revision, head.hash, head.epoch, head.fence,
          greatest(date_trunc('milliseconds', clock_timestamp()), head.at, head.settled_at),
          head.system_identifier, head.timeline, s.system_identifier, s.timeline, found_hash
          from catalog_server() s;
      end
      $$
    `);
    this.addSql(`
      create index service_event_epoch_idx on service_event (revision) where action = 'catalog.epoch_started'
    `);
  }

  override down(): void {
    this.addSql('drop index service_event_epoch_idx');
    this.addSql('drop function lock_catalog_head, catalog_server');
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
          greatest(date_trunc('milliseconds', clock_timestamp()), head.at, head.settled_at);
      end
      $$
    `);
  }
}
