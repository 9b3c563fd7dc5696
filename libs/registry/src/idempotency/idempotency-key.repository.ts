import { columnsOf, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { AHEAD_TOLERANCE_MS } from '@coordination/catalog';
import { type KnownKey, type NewAnswer, type RequestKey } from './first-answers.js';
import { IdempotencyKey } from './idempotency-key.entity.js';

const KEYS = columnsOf(IdempotencyKey);

/**
 * What is known of keys. Answers of other requests than those that ask are left out: nobody is told them, and they might
 * be megabytes. Where several requests ask by one key, the one that has used it counts. How old an answer is that a clock
 * dated which was set back since, nobody can tell: it counts as old as can be, for its sign of life renews a lease by its age.
 */
const FIND = `
  select distinct on (k.actor, k.key) k.actor, k.key, k.fingerprint, k.revision::float8 as revision, k.epoch,
    case when k.at <= $2::timestamptz + interval '${AHEAD_TOLERANCE_MS} milliseconds'
      then greatest(extract(epoch from $2::timestamptz - k.at)::float8, 0) else $3 * 3600 end * 1000 as "ageMs",
    case when k.fingerprint = asked.fingerprint then k.answer end as answer
  from jsonb_to_recordset($1) as asked (${KEYS.only('actor', 'key', 'fingerprint').form()})
  join idempotency_key k on k.actor = asked.actor and k.key = asked.key
  where k.at > $2::timestamptz - make_interval(hours => $3)
  order by k.actor, k.key, k.fingerprint = asked.fingerprint desc`;

/** A key that is there already has expired, for it was not found. */
const KEEP = `
  insert into idempotency_key as k (${KEYS.names()})
  select ${KEYS.values('n', { at: '$2', revision: '$3', epoch: '$4' })}
  from jsonb_to_recordset($1) as n (${KEYS.without('at', 'revision', 'epoch').form()})
  on conflict (actor, key) do update set ${KEYS.without('actor', 'key').excludedAssignments()}`;

/** Several nodes may do this at once: each takes what the others have not taken, and waits for nobody. */
const DELETE_EXPIRED = `
  with expired as (
    select actor, key from idempotency_key where at <= now() - make_interval(hours => $1)
    order by at limit $2 for update skip locked
  ), deleted as (
    delete from idempotency_key k using expired e where k.actor = e.actor and k.key = e.key returning 1
  )
  select count(*)::int as deleted from deleted`;

/** Where and when answers were decided. */
export interface AnswerPosition {
  /** By the clock of the database, RFC 3339 in UTC. */
  readonly at: string;
  readonly revision: number;
  readonly epoch: string;
}

/** First answers by their keys. Its first half is for the unit of work that holds the head of the log. */
export class IdempotencyKeyRepository {
  /** @param keepHours for how long answers are kept */
  constructor(private readonly keepHours: number) {}

  /**
   * What is known of keys; each key once. Asks nothing of the database when there are none.
   * @param clock that of the database (RFC 3339 in UTC)
   */
  async find(em: EntityManager, keys: readonly RequestKey[], clock: string): Promise<KnownKey[]> {
    if (keys.length === 0) return [];
    return await query<KnownKey>(em, FIND, [JSON.stringify(keys), clock, this.keepHours]);
  }

  /** Keeps answers whose keys were not known. */
  async keep(em: EntityManager, answers: readonly NewAnswer[], position: AnswerPosition): Promise<void> {
    if (answers.length === 0) return;
    const { at, revision, epoch } = position;
    await query(em, KEEP, [JSON.stringify(answers), at, revision, epoch]);
  }

  /**
   * Deletes keys that have expired by the clock of the database, the oldest first.
   * @returns how many
   */
  async deleteExpired(em: EntityManager, limit: number): Promise<number> {
    const [row] = await query<{ deleted: number }>(em, DELETE_EXPIRED, [this.keepHours, limit]);
    return row!.deleted;
  }
}
