import { Migration } from '@mikro-orm/migrations';

/** Why the last probe of an instance did not succeed; the guards over failures of probes; and second looks of other nodes. */
export class Migration20261128000900 extends Migration {
  override up(): void {
    // No renewal changes it and no index has it, so renewals stay heap-only.
    this.addSql('alter table instance_lease add column probe_error jsonb null');
    this.addSql(`
      create table probe_guard (
        node text not null,
        namespace text not null,
        service text not null,
        phase text not null,
        reason text not null,
        since timestamptz(3) not null,
        until timestamptz(3) not null,
        would_expire int not null,
        of_instances int not null,
        share_limit double precision not null,
        seen_at timestamptz(3) not null,
        primary key (node, namespace, service),
        constraint probe_guard_phase_known check (phase in ('holding', 'releasing')),
        constraint probe_guard_reason_known check (reason in ('probe-failures'))
      )
    `);
    this.addSql(`
      create table probe_second_look (
        instance_id uuid not null,
        node text not null,
        asked_at timestamptz(3) not null,
        looked_by text null,
        looked_at timestamptz(3) null,
        failures int null,
        primary key (instance_id),
        constraint probe_second_look_failures_counted check (failures >= 0)
      )
    `);
  }

  override down(): void {
    this.addSql('drop table probe_second_look, probe_guard');
    this.addSql('alter table instance_lease drop column probe_error');
  }
}
