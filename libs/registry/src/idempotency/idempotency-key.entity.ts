import { defineEntity, p } from '@mikro-orm/core';
import { type StoredAnswer } from './stored-answer.js';

/** First answers to requests that their callers may send again, written in the transaction of their effect. */
export const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    /** Each actor has keys of its own, so that no actor can get the answers of another one. */
    actor: p.text().primary(),
    key: p.text().primary(),
    fingerprint: p.text(),
    at: p.datetime(3),
    revision: p.bigint('number'),
    epoch: p.uuid(),
    answer: p.json<StoredAnswer>(),
  },
  indexes: [{ name: 'idempotency_key_at_idx', properties: ['at'] }],
  checks: [
    { name: 'idempotency_key_actor_named', expression: "actor <> ''" },
    { name: 'idempotency_key_key_form', expression: "key ~ '^[!-~]{1,255}$'" },
    { name: 'idempotency_key_fingerprint_form', expression: "fingerprint ~ '^[A-Za-z0-9_-]{43}$'" },
    { name: 'idempotency_key_revision_range', expression: 'revision >= 0' },
    { name: 'idempotency_key_answer_is_object', expression: "jsonb_typeof(answer) = 'object'" },
  ],
});

export class IdempotencyKey extends IdempotencyKeySchema.class {}
IdempotencyKeySchema.setClass(IdempotencyKey);
