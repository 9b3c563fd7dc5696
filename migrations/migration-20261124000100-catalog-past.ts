import { Migration } from '@mikro-orm/migrations';

/** What looking into the past needs: a way to each instance's events, and times that nothing can happen before any more. */
export class Migration20261124000100 extends Migration {
  override up(): void {
    this.addSql(`
      create index service_event_identity_idx on service_event (namespace, service, instance_id, revision)
    `);
    this.addSql('alter table catalog_head add column settled_at timestamptz(3) null');
    this.createLock("greatest(date_trunc('milliseconds', clock_timestamp()), head.at, head.settled_at)");
  }

  override down(): void {
    this.createLock("greatest(date_trunc('milliseconds', clock_timestamp()), head.at)");
    this.addSql('alter table catalog_head drop column settled_at');
    this.addSql('drop index service_event_identity_idx');
  }

  /** The lock as it was, but for the time of what is decided under it. */
  private createLock(now: string): void {
    this.addSql(`
      create or replace function lock_catalog_head(hold_limit_ms int)
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
        return query select head.revision, head.hash, head.epoch, head.fence, ${now};
      end
      $$
    `);
  }
}
