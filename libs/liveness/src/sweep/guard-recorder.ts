import { Injectable, Logger } from '@nestjs/common';
import { Databases } from '@coordination/database';
import { CatalogWriter } from '@coordination/registry';
import { type RoleTerm } from '@coordination/leadership';
import { type EntityManager } from '@mikro-orm/postgresql';
import { changesBetween, isBegunByOverride, isEndedByOverride } from '../guard/guard-changes.js';
import { type GuardOverride, type GuardState } from '../guard/guard-state.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { removeProbeGuard } from '../guard/probe-guards/probe-guard.repository.js';
import { LIVENESS } from '../liveness-origin.js';

/** The guards before and after an evaluation, and the overrides that it took into account. */
export interface EvaluatedGuards {
  readonly before: readonly GuardState[];
  readonly after: readonly GuardState[];
  readonly overrides: readonly GuardOverride[];
  /** Guards over failures of probes that their nodes do not confirm any more. */
  readonly abandoned: readonly GuardState[];
}

/**
 * Stores the active guards, so that all nodes know them, and the next sweeper continues with them. The begin and the end of a
 * guard are events of the log, appended before the guards are applied; changed counts are not.
 */
@Injectable()
export class GuardRecorder {
  private readonly logger = new Logger('Liveness');

  constructor(
    private readonly databases: Databases,
    private readonly writer: CatalogWriter,
    private readonly guards: LivenessGuardRepository,
  ) {}

  /** @throws TermEndedError, StoreUnavailableError when the guards could not be stored */
  async record({ before, after, overrides, abandoned }: EvaluatedGuards, term: RoleTerm): Promise<void> {
    const { began, ended, updated } = changesBetween(before, after);
    const scopesLeft = new Set(after.map(({ scope }) => JSON.stringify(scope)));
    const isReplaced = ({ scope }: GuardState) => scopesLeft.has(JSON.stringify(scope));
    // First the guards that end, because another one of the same scope may begin.
    await Promise.all(
      ended.map(state => this.note(state, 'ended', isEndedByOverride(state, overrides), term, isReplaced(state))),
    );
    await Promise.all(began.map(state => this.note(state, 'began', isBegunByOverride(state, overrides), term)));
    if (updated.length > 0) await this.guards.saveStates(this.databases.em('liveness'), updated, term);
    for (const state of abandoned) await this.endAbandoned(state, term);
  }

  /** A dead node cannot write that its guard has ended. If it lives on nevertheless, it begins the guard anew. */
  private async endAbandoned(state: GuardState, term: RoleTerm): Promise<void> {
    this.logger.warn({ msg: 'The guard of failing probes ended, because its node does not confirm it', ...state });
    await this.writer.submit({
      commands: [],
      origin: { ...LIVENESS, reason: `${state.node ?? 'its node'} does not confirm the guard any more` },
      term,
      systemEvent: {
        action: 'liveness.guard_ended',
        before: state,
        after: null,
        write: em => removeProbeGuard(em, state),
      },
    });
  }

  private async note(
    state: GuardState,
    what: 'began' | 'ended',
    isInLog: boolean,
    term: RoleTerm,
    isReplaced = false,
  ): Promise<void> {
    const { databases, guards, writer } = this;
    this.logger.warn({ msg: `The guard of leases ${what}`, ...state });
    const write = async (em: EntityManager): Promise<void> => {
      if (what === 'began') await guards.saveStates(em, [state], term);
      else if (!isReplaced) await guards.removeState(em, state.scope);
    };
    // The log has an event of the operator's override, and needs no second one.
    if (isInLog) return await write(databases.em('liveness'));
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
