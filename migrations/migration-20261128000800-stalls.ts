import { Migration } from '@mikro-orm/migrations';

/** Stalls of the node that ends leases, by which leases last longer, and the reason of the guard that reports it. */
export class Migration20261128000800 extends Migration {
  override up(): void {
    this.addSql(`alter table node_role add column stalls jsonb not null default '[]'`);
    this.addSql('alter table liveness_guard drop constraint liveness_guard_reason_known');
    this.addSql(`
      alter table liveness_guard add constraint liveness_guard_reason_known
        check (reason in ('service-share', 'total-share', 'store-away', 'node-stalled', 'operator'))
    `);
  }

  override down(): void {
    this.addSql(`delete from liveness_guard where reason = 'node-stalled'`);
    this.addSql('alter table liveness_guard drop constraint liveness_guard_reason_known');
    this.addSql(`
      alter table liveness_guard add constraint liveness_guard_reason_known
        check (reason in ('service-share', 'total-share', 'store-away', 'operator'))
    `);
    this.addSql('alter table node_role drop column stalls');
  }
}
