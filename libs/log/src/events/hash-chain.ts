import { createHash } from 'node:crypto';
import { canonicalJson } from '@coordination/kernel';
import { type LogEvent, type EventDraft } from './log-event.js';

/** What an event has for `previousHash` when nothing came before it. */
export const FIRST_PREVIOUS_HASH = '0'.repeat(64);

/** How events are hashed today; kept in each event, so that the way can change. */
export const HASH_VERSION = 1;

/** The SHA-256 (hex) of the RFC 8785 canonical JSON of everything in the event but `hash`. */
export function hashEvent(event: Omit<LogEvent, 'hash'>): string {
  const { hash: _, ...hashed } = event as LogEvent;
  return createHash('sha256').update(canonicalJson(hashed)).digest('hex');
}

/** Where in the log a draft gets its place. */
export interface Link {
  readonly revision: number;
  readonly at: string;
  readonly batchId: string;
  readonly previousHash: string;
}

/** The event that a draft becomes at its place in the log. */
export function chainEvent(draft: EventDraft, { revision, at, batchId, previousHash }: Link): LogEvent {
  const event = { ...draft, revision, at, batchId, previousHash, hashVersion: HASH_VERSION };
  return { ...event, hash: hashEvent(event) };
}
