import { Migration } from '@mikro-orm/migrations';

/** What ending leases needs: which ended, which node ends them, and what keeps many from ending at once. */
export class Migration20261125000400 extends Migration {
  override up(): void {
    // No renewal changes it and no index has it, so renewals stay heap-only.
    this.addSql('alter table instance_lease add column lapsed boolean not null default false');
    this.addSql(`
      create table node_role (
        role text not null,
        holder text not null,
        term bigint not null,
        expires_at timestamptz(3) not null,
        witnessed_at timestamptz(3) not null,
        back_since timestamptz(3) not null,
        worked_at timestamptz(3) null,
        primary key (role),
        constraint node_role_term_positive check (term > 0)
      ) with (fillfactor = 10, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0)
    `);
    this.addSql(`
      create table liveness_guard (
        namespace text not null,
        service text not null,
        phase text not null,
        reason text not null,
        detail text null,
        since timestamptz(3) not null,
        until timestamptz(3) not null,
        would_expire int not null,
        of_leases int not null,
        share_limit double precision not null,
        primary key (namespace, service),
        constraint liveness_guard_phase_known check (phase in ('holding', 'releasing')),
        constraint liveness_guard_reason_known check (reason in ('service-share', 'total-share', 'store-away', 'operator'))
      )
    `);
    this.addSql(`
      create table liveness_order (
        namespace text not null,
        service text not null,
        kind text not null,
        ordered_at timestamptz(3) not null,
        until timestamptz(3) not null,
        reason text null,
        ordered_by text not null,
        primary key (namespace, service),
        constraint liveness_order_kind_known check (kind in ('force', 'end'))
      )
    `);
  }

  override down(): void {
    this.addSql('drop table liveness_order, liveness_guard, node_role');
    this.addSql('alter table instance_lease drop column lapsed');
  }
}
