import { type AuditAction } from '@coordination/log';
import { type CallOrigin } from '@coordination/context';
import { type LeasedInstance } from '@coordination/catalog';
import { type JsonValue } from '@coordination/kernel';
import { type RoleTerm } from '@coordination/leadership';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Command } from '../domain/commands.js';
import { type LeaseEffect } from '../domain/decision.js';
import { type RequestKey } from './request-key.js';

/** Something that happened to the service and not to an instance. Its event follows those of the commands. */
export interface SystemEvent {
  readonly action: AuditAction;
  /** The state before and after it, as plain JSON. */
  readonly before: unknown;
  readonly after: unknown;
  /** Writes what belongs to the event, in the same transaction: one small statement, because all writers wait for it. */
  readonly write: (em: EntityManager) => Promise<void>;
  /**
   * Whether its request must be the only one of its batch. Then, when it writes, the tables are in the state that the log
   * leads to up to its event, and the head is at its revision.
   */
  readonly isAlone?: boolean;
}

/** Commands that succeed or fail as one, and who requests them. */
export interface WriteRequest {
  readonly commands: readonly Command[];
  readonly origin: CallOrigin;
  readonly systemEvent?: SystemEvent;
  /** The term in a role that the node needs for this request. Once the term has ended, the request is rejected. */
  readonly term?: RoleTerm;
  /**
   * What the response needs besides the results, such as what was seen before the commands were chosen. It is returned with
   * the results; a repetition of the request gets the note of the first time.
   */
  readonly note?: JsonValue;
}

/** A request in the queue of the writer, which has computed its key. */
export interface QueuedRequest extends WriteRequest {
  /** undefined: its caller sent no key. */
  readonly key?: RequestKey;
}

/** The result of one command. */
export interface CommandResult {
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'deregistered' | 'absent' | 'ended';
  /** The instance after the command; before it, if the command removed it; undefined if it did not exist, or if another incarnation runs. */
  readonly leased: LeasedInstance | undefined;
  /** What the command does to the lease of an unchanged instance. It is recorded outside the log. */
  readonly lifeSign: LeaseEffect;
}

/** The result of a request. It is durable if the request changed anything. */
export interface WriteResult {
  /** One for each command, in their order. */
  readonly results: readonly CommandResult[];
  /** The position in the catalog that the results are of. */
  readonly revision: number;
  readonly epoch: string;
  /** The note of the request that was carried out. */
  readonly note?: JsonValue;
  /** How long ago (ms) the same request was first answered under the same key; undefined: this is the first time. */
  readonly repeatsAfterMs?: number;
}

/**
 * The instance of a request with one command that cannot be ignored.
 * @throws Error when there is none, which is a programming error
 */
export function instanceOf({ results: [result] }: WriteResult): LeasedInstance {
  if (!result?.leased) throw new Error('A command was answered without an instance.');
  return result.leased;
}

/** The ids of instances whose commands had an outcome. The request had one command for each instance, in their order. */
export const idsWithOutcome = (
  instances: readonly { readonly id: string }[],
  { results }: WriteResult,
  outcome: CommandResult['outcome'],
): string[] => instances.filter((_, n) => results[n]?.outcome === outcome).map(({ id }) => id);
