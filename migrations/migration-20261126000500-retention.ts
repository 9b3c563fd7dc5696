import { Migration } from '@mikro-orm/migrations';

/** What is left of a log whose beginning was removed: where it was cut, and what the catalog was there. */
export class Migration20261126000500 extends Migration {
  override up(): void {
    // One row for each cut; the one with the highest revision counts. It is written before the partitions go.
    this.addSql(`
      create table log_cut (
        revision bigint not null,
        hash text not null,
        at timestamptz(3) not null,
        epoch uuid not null,
        gaps jsonb not null,
        first_revision bigint not null,
        events bigint not null,
        event_revision bigint not null,
        partitions jsonb not null,
        export_file text not null,
        export_sha256 text not null,
        made_at timestamptz(3) not null,
        finished_at timestamptz(3) null,
        primary key (revision),
        constraint log_cut_hash_form check (hash ~ '^[0-9a-f]{64}$'),
        constraint log_cut_revisions_ordered check (first_revision > 0 and first_revision <= revision and revision < event_revision),
        constraint log_cut_gaps_are_list check (jsonb_typeof(gaps) = 'array'),
        constraint log_cut_partitions_are_list check (jsonb_typeof(partitions) = 'array')
      )
    `);
    // Copies of events: of each identity the newest one that was removed. What is too much in it does no harm, since it did
    // happen; so it can be filled and cleared a little at a time.
    this.addSql(`
      create table catalog_baseline (
        revision bigint not null,
        namespace text not null,
        service text not null,
        instance_id text not null,
        instance_uuid uuid not null,
        after jsonb null,
        primary key (revision)
      )
    `);
    this.addSql(`
      create index catalog_baseline_identity_idx on catalog_baseline (namespace, service, instance_id, revision)
    `);
    this.addSql('create index catalog_baseline_service_idx on catalog_baseline (namespace, service, revision)');
    this.addSql('create index catalog_baseline_instance_idx on catalog_baseline (instance_uuid)');
  }

  override down(): void {
    this.addSql('drop table catalog_baseline, log_cut');
  }
}
