import { type CallOrigin } from '@coordination/context';
import { type Command } from '../domain/commands.js';
import { type LeasedInstance } from '../domain/instance.js';
import { type LifeSign } from '../domain/decide.js';

/** Commands that succeed or fail as one, and who asks for them. */
export interface WriteRequest {
  readonly commands: readonly Command[];
  readonly origin: CallOrigin;
}

/** What came of one command. */
export interface CommandResult {
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'deregistered' | 'absent';
  /** The instance afterwards; before it went, if it is gone; undefined, if it was never there. */
  readonly leased: LeasedInstance | undefined;
  /** What an unchanged instance gave, to be noted outside the log. */
  readonly lifeSign: LifeSign;
}

/** What came of a request: durable, if it changed anything. */
export interface WriteResult {
  /** One for each command, in their order. */
  readonly results: readonly CommandResult[];
  /** The revision of the catalog that this answer speaks of. */
  readonly revision: number;
  readonly epoch: string;
}
