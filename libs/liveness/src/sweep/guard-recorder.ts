import { Logger } from '@nestjs/common';
import { type Databases } from '@coordination/database';
import { type CatalogWriter } from '@coordination/registry';
import { type RoleTerm } from '@coordination/leadership';
import { type EntityManager } from '@mikro-orm/postgresql';
import { changesBetween, isBegunByOrder, isEndedByOrder } from '../guard/guard-changes.js';
import { type GuardOrder, type GuardState } from '../guard/guard-state.js';
import { type LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { LIVENESS } from '../liveness-origin.js';

export interface GuardKeeperTools {
  readonly databases: Databases;
  readonly writer: CatalogWriter;
  readonly guards: LivenessGuardRepository;
}

/** What was judged. */
export interface Judged {
  readonly before: readonly GuardState[];
  readonly after: readonly GuardState[];
  readonly orders: readonly GuardOrder[];
}

/**
 * Writes down which guards are active, so that all nodes know, and the next sweeper goes on where this one was. What
 * begins or ends is an event of the log, before anything is done by it; numbers that move are none.
 */
export class GuardRecorder {
  private readonly logger = new Logger('Liveness');

  constructor(private readonly tools: GuardKeeperTools) {}

  /** @throws TermEndedError, StoreUnavailableError when it could not be written */
  async keep({ before, after, orders }: Judged, term: RoleTerm): Promise<void> {
    const { databases, guards } = this.tools;
    const { began, ended, moved } = changesBetween(before, after);
    const scopesLeft = new Set(after.map(({ scope }) => JSON.stringify(scope)));
    const isReplaced = ({ scope }: GuardState) => scopesLeft.has(JSON.stringify(scope));
    // First those that end: another one may begin in the place of one.
    await Promise.all(
      ended.map(state => this.note(state, 'ended', isEndedByOrder(state, orders), term, isReplaced(state))),
    );
    await Promise.all(began.map(state => this.note(state, 'began', isBegunByOrder(state, orders), term)));
    if (moved.length > 0) await guards.saveStates(databases.em('liveness'), moved, term);
  }

  private async note(
    state: GuardState,
    what: 'began' | 'ended',
    isKnown: boolean,
    term: RoleTerm,
    isReplaced = false,
  ): Promise<void> {
    const { databases, guards, writer } = this.tools;
    this.logger.warn({ msg: `The guard of leases ${what}`, ...state });
    const write = async (em: EntityManager): Promise<void> => {
      if (what === 'began') await guards.saveStates(em, [state], term);
      else if (!isReplaced) await guards.removeState(em, state.scope);
    };
    // An order of an operator is in the log by itself.
    if (isKnown) return await write(databases.em('liveness'));
    const [before, after] = what === 'began' ? [null, state] : [state, null];
    const reason = `${state.wouldExpire} of ${state.of} leases, limit ${state.limit}: ${state.reason}`;
    await writer.submit({
      commands: [],
      origin: { ...LIVENESS, reason },
      term,
      systemEvent: { action: `liveness.guard_${what}`, before, after, write },
    });
  }
}
