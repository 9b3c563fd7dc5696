import { columnsOf, query } from '@coordination/database';
import { type Settings } from '@coordination/config';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Inject, Injectable } from '@nestjs/common';
import { AHEAD_TOLERANCE_MS } from '@coordination/catalog';
import { type RequestKey } from '../requests/request-key.js';
import { type NewAnswer, type UsedKey } from './first-answers.js';
import { IdempotencyKey } from './idempotency-key.entity.js';

const KEYS = columnsOf(IdempotencyKey);

/**
 * Finds keys that were used before. The answers of other requests under the same keys are left out: they are not sent, and
 * they might be megabytes. Where several requests have one key, the one that has used it counts. An answer from the future
 * was dated before the clock was set back; its age is unknown, and the highest one is returned, because its sign of life
 * renews a lease by its age.
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

/** A key that exists already has expired, because it was not found. */
const KEEP = `
  insert into idempotency_key as k (${KEYS.names()})
  select ${KEYS.values('n', { at: '$2', revision: '$3', epoch: '$4' })}
  from jsonb_to_recordset($1) as n (${KEYS.without('at', 'revision', 'epoch').form()})
  on conflict (actor, key) do update set ${KEYS.without('actor', 'key').excludedAssignments()}`;

/** Several nodes may do this at once: each deletes what the others have not locked, and waits for none of them. */
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

/** For how long (hours) first answers are kept. */
export const answersKeptHours = ({ PCS_IDEMPOTENCY_KEEP_HOURS }: Settings) => PCS_IDEMPOTENCY_KEEP_HOURS;

/** First answers by their keys. `find` and `keep` are for the transaction that has locked the head of the log. */
@Injectable()
export class IdempotencyKeyRepository {
  /** @param keepHours for how long answers are kept */
  constructor(@Inject(answersKeptHours) private readonly keepHours: number) {}

  /**
   * Finds keys that were used before; each key once. Without keys, the database is not asked.
   * @param clock that of the database (RFC 3339 in UTC)
   */
  async find(em: EntityManager, keys: readonly RequestKey[], clock: string): Promise<UsedKey[]> {
    if (keys.length === 0) return [];
    return await query<UsedKey>(em, FIND, [JSON.stringify(keys), clock, this.keepHours]);
  }

  /** Stores answers whose keys were not found. */
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
