import { Migration } from '@mikro-orm/migrations';

/** The first answers to requests that carry an Idempotency-Key. */
export class Migration20261125000300 extends Migration {
  override up(): void {
    // Each row is written once and deleted a day later, oldest first: vacuum has to follow closely, or the table and its
    // indexes grow past a day's worth.
    this.addSql(`
      create table idempotency_key (
        actor text not null,
        key text not null,
        fingerprint text not null,
        at timestamptz(3) not null,
        revision bigint not null,
        epoch uuid not null,
        answer jsonb not null,
        primary key (actor, key),
        constraint idempotency_key_actor_named check (actor <> ''),
        constraint idempotency_key_key_form check (key ~ '^[!-~]{1,255}$'),
        constraint idempotency_key_fingerprint_form check (fingerprint ~ '^[A-Za-z0-9_-]{43}$'),
        constraint idempotency_key_revision_range check (revision >= 0),
        constraint idempotency_key_answer_is_object check (jsonb_typeof(answer) = 'object')
      ) with (
        autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02,
        toast.autovacuum_vacuum_threshold = 1000, toast.autovacuum_vacuum_scale_factor = 0.02
      )
    `);
    this.addSql('create index idempotency_key_at_idx on idempotency_key (at)');
  }

  override down(): void {
    this.addSql('drop table idempotency_key');
  }
}
