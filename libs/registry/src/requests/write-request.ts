import { type AuditAction } from '@coordination/log';
import { type CallOrigin } from '@coordination/context';
import { type JsonValue, type LeasedInstance } from '@coordination/catalog';
import { type RoleTerm } from '@coordination/leadership';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Command } from '../domain/commands.js';
import { type LeaseEffect } from '../domain/decision.js';

/** Something that happened to the service and not to an instance: an event of its own, after those of the commands. */
export interface SystemEvent {
  readonly action: AuditAction;
  /** What it found and what it left, as plain JSON. */
  readonly before: unknown;
  readonly after: unknown;
  /** Writes what goes with the event, in the same transaction: one small statement, for all writers wait for it. */
  readonly write: (em: EntityManager) => Promise<void>;
  /**
   * Whether its request must be the only one of its batch: then the tables are, when it writes, what the log makes of them up
   * to its event, and the head is at its revision.
   */
  readonly isAlone?: boolean;
}

/** Commands that succeed or fail as one, and who asks for them. */
export interface WriteRequest {
  readonly commands: readonly Command[];
  readonly origin: CallOrigin;
  readonly occurrence?: SystemEvent;
  /** The term in a role that its node needs for it; without it, nothing is carried out. */
  readonly term?: RoleTerm;
  /**
   * What the answer needs besides the results, such as what was seen before the commands were chosen: it comes back with
   * them, and whoever is answered again gets that of the first time.
   */
  readonly note?: JsonValue;
}

/** What came of one command. */
export interface CommandResult {
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'deregistered' | 'absent' | 'ended';
  /** The instance afterwards; before it went, if it is gone; undefined, if it was never there, or another incarnation runs. */
  readonly leased: LeasedInstance | undefined;
  /** What an unchanged instance gave, to be noted outside the log. */
  readonly lifeSign: LeaseEffect;
}

/** What came of a request: durable, if it changed anything. */
export interface WriteResult {
  /** One for each command, in their order. */
  readonly results: readonly CommandResult[];
  /** The revision of the catalog that this answer speaks of. */
  readonly revision: number;
  readonly epoch: string;
  /** The note of the request that was carried out. */
  readonly note?: JsonValue;
  /** How long ago (ms) this was answered first, to the same request under the same key; undefined: now. */
  readonly repeatsAfterMs?: number;
}
