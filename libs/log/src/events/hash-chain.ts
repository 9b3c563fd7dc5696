import { createHash } from 'node:crypto';
import { canonicalJson } from '@coordination/kernel';
import { type EventDraft, type LogEvent } from './log-event.js';

/** `previousHash` of the first event. */
export const FIRST_PREVIOUS_HASH = '0'.repeat(64);

/** Version of the hash algorithm. Each event has its own, so that the algorithm can change. */
export const HASH_VERSION = 1;

/** SHA-256 (hex) of the RFC 8785 canonical JSON of all fields of the event except `hash`. */
export function hashEvent(event: Omit<LogEvent, 'hash'>): string {
  const { hash: _, ...hashed } = event as LogEvent;
  return createHash('sha256').update(canonicalJson(hashed)).digest('hex');
}

/** The position of an event in the log. */
export interface ChainPosition {
  readonly revision: number;
  readonly at: string;
  readonly batchId: string;
  readonly previousHash: string;
}

/** Makes a draft the event at a position of the log. */
export function chainEvent(draft: EventDraft, { revision, at, batchId, previousHash }: ChainPosition): LogEvent {
  const event = { ...draft, revision, at, batchId, previousHash, hashVersion: HASH_VERSION };
  return { ...event, hash: hashEvent(event) };
}
