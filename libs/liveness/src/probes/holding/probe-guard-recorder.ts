import { Injectable, Logger } from '@nestjs/common';
import { Databases, isoTime, query, readSnapshot } from '@coordination/database';
import { CatalogWriter } from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { changesBetween, isEndedByOverride } from '../../guard/guard-changes.js';
import { type GuardOverride, type GuardState } from '../../guard/guard-state.js';
import { LivenessGuardRepository } from '../../guard/liveness-guard.repository.js';
import { findProbeGuardsOf, saveProbeGuards } from '../../guard/probe-guards/probe-guard.repository.js';
import { LIVENESS } from '../../liveness-origin.js';
import { type SecondLook, SecondLookStore } from './second-look-store.js';

const NOW = `select ${isoTime('statement_timestamp()')} as now`;

/** A look of another node counts for so many seconds. */
const LOOK_SECONDS = 15;

/** What the database has that decides about held failures. */
export interface StoredForFailures {
  readonly now: string;
  readonly overrides: readonly GuardOverride[];
  readonly looks: ReadonlyMap<string, SecondLook>;
  /**
   * The guards that this node has according to the database. Another node ends those that were not confirmed for long; one that
   * this node has even so begins anew.
   */
  readonly stored: readonly GuardState[];
}

/** Reads what decides about the failures of probes, and stores the guards of this node, with an event for each begin and end. */
@Injectable()
export class ProbeGuardRecorder {
  private readonly logger = new Logger('Liveness');

  constructor(
    private readonly databases: Databases,
    private readonly writer: CatalogWriter,
    private readonly guards: LivenessGuardRepository,
    private readonly looks: SecondLookStore,
  ) {}

  /** @throws StoreUnavailableError */
  async read(node: string): Promise<StoredForFailures> {
    const read = async (em: EntityManager): Promise<StoredForFailures> => {
      const [row] = await query<{ now: string }>(em, NOW);
      const overrides = await this.guards.findOverrides(em);
      const answers = await this.looks.answersFor(em, node, LOOK_SECONDS);
      const stored = await findProbeGuardsOf(em, node);
      return { now: row!.now, stored, overrides, looks: new Map(answers.map(look => [look.id, look])) };
    };
    return await readSnapshot(this.databases, read, { purpose: 'liveness' });
  }

  /** Stores the guards of a node. @throws StoreUnavailableError */
  async record(
    node: string,
    before: readonly GuardState[],
    after: readonly GuardState[],
    overrides: readonly GuardOverride[],
  ): Promise<void> {
    if (before.length === 0 && after.length === 0) return;
    const { began, ended } = changesBetween(before, after);
    const save = (em: EntityManager) => saveProbeGuards(em, node, after);
    for (const state of ended) await this.note(state, 'ended', save, isEndedByOverride(state, overrides));
    for (const state of began) await this.note(state, 'began', save);
    await save(this.databases.em('liveness'));
  }

  private async note(
    state: GuardState,
    what: 'began' | 'ended',
    write: (em: EntityManager) => Promise<void>,
    isInLog = false,
  ): Promise<void> {
    this.logger.warn({ msg: `The guard of failing probes ${what}`, ...state });
    if (isInLog) return;
    const [before, after] = what === 'began' ? [null, state] : [state, null];
    const reason = `${state.wouldExpire} of ${state.of} instances that ${state.node ?? 'a node'} probes began to fail, limit ${state.limit}: ${state.reason}`;
    await this.writer.submit({
      commands: [],
      origin: { ...LIVENESS, reason },
      systemEvent: { action: `liveness.guard_${what}`, before, after, write },
    });
  }
}
