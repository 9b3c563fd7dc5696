import { createHash, hash } from 'node:crypto';
import { canonicalJson, canonicalTextOf } from '@coordination/kernel';
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

/** The canonical JSON texts of the states of an event, which its maker has. */
export interface StateTexts {
  readonly before: string;
  readonly after: string;
}

/** An event, and its JSON text for the database. */
export interface WrittenEvent {
  readonly event: LogEvent;
  readonly text: string;
}

/** Makes a draft the event at a position of the log. */
export const chainEvent = (draft: EventDraft, position: ChainPosition): LogEvent =>
  writeEvent(draft, position, { before: canonicalJson(draft.before), after: canonicalJson(draft.after) }).event;

/** Makes a draft the event at a position of the log, with the texts of its states. */
export function writeEvent(draft: EventDraft, position: ChainPosition, states: StateTexts): WrittenEvent {
  const { revision, at, batchId, previousHash } = position;
  const unhashed = { ...draft, revision, at, batchId, previousHash, hashVersion: HASH_VERSION };
  const text = canonicalEvent(unhashed, states);
  const event = { ...unhashed, hash: hash('sha256', text, 'hex') };
  return { event, text: `${text.slice(0, -1)},"hash":"${event.hash}"}` };
}

/**
 * The text that {@link hashEvent} hashes, put together of its parts: the states are most of it. The parts are literals with their
 * keys in canonical order.
 */
function canonicalEvent(event: Omit<LogEvent, 'hash'>, { before, after }: StateTexts): string {
  const { action, actor, at, batchId } = event;
  const last = textOf({
    clientAddress: event.clientAddress,
    hashVersion: event.hashVersion,
    instanceId: event.instanceId,
    instanceUuid: event.instanceUuid,
    namespace: event.namespace,
    previousHash: event.previousHash,
    reason: event.reason,
    requestId: event.requestId,
    revision: event.revision,
    service: event.service,
    source: event.source,
    version: event.version,
  });
  const first = textOf({ action, actor }).slice(0, -1);
  return `${first},"after":${after},${textOf({ at, batchId }).slice(1, -1)},"before":${before},${last.slice(1)}`;
}

const textOf = (ordered: object): string => canonicalTextOf(ordered) ?? canonicalJson(ordered);
