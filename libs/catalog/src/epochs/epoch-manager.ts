import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type CatalogHeadRepository,
  epochEvent,
  type EpochReason,
  serverText,
  type ServiceEventRepository,
  type HistoryStatus,
} from '@coordination/log';
import { type Databases, mapStoreErrors, withSilenceTimeout } from '@coordination/database';
import { type Clock, newId } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type ExaminedHead, type HistoryCheck } from './history-check.js';
import { raiseServiceRevisions } from './service-revisions.js';

/** How long (ms) settling may hang with the head; beginning an epoch touches every service that there ever was. */
const HOLD_LIMIT_MS = 8_000;

/** A server that is not heard of for so long (ms) meanwhile counts as one that does not answer. */
const SILENCE_MS = 30_000;

/** How often (ms) a node that cannot tell looks whether another one has told. */
const LOOK_MS = 250;

/** What became of a history. `begun`: this node has begun a new epoch. */
export type Settled = Exclude<HistoryStatus['kind'], 'broken'> | 'begun';

/** Whom the keeper tells. */
export interface HistoryLog {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What a keeper works with. */
export interface EpochManagerTools {
  readonly databases: Databases;
  readonly heads: CatalogHeadRepository;
  readonly events: ServiceEventRepository;
  readonly guard: HistoryCheck;
  readonly clock: Clock;
  readonly logger: HistoryLog;
}

/** Settles what the log is to this node when there is doubt, and begins a new epoch where the history is broken. */
export class EpochManager {
  private undecidedSince: number | undefined;

  /** @param confirmMs how long (ms) another node may take to confirm a history that this one cannot */
  constructor(
    private readonly tools: EpochManagerTools,
    private readonly confirmMs: number,
  ) {}

  /** Whether a write was refused because of the history, and nobody has looked into it since. */
  get doubted(): boolean {
    return this.tools.guard.doubted;
  }

  /** For how long (seconds) this node has been waiting for another one to confirm the history; undefined: it is not. */
  get undecidedSeconds(): number | undefined {
    const since = this.undecidedSince;
    return since === undefined ? undefined : (this.tools.clock.monotonicMs() - since) / 1_000;
  }

  /**
   * Judges the log under the lock of the head: confirms it where it has come to another server whole, begins a new epoch
   * where it is broken. Of many nodes that do this at once, one begins the epoch.
   * @throws StoreUnavailableError
   */
  async settle(): Promise<Settled> {
    return await this.judge(false);
  }

  /**
   * Resolves when somebody has vouched for the history: another node, or the end of the time for that, after which this
   * node begins a new epoch.
   * @throws StoreUnavailableError
   */
  async untilConfirmed(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.tools;
    const since = clock.monotonicMs();
    this.undecidedSince = since;
    try {
      for (let first = true; !signal.aborted; first = false) {
        if ((await this.judge(clock.monotonicMs() - since >= this.confirmMs)) !== 'unconfirmed') return;
        if (first) {
          logger.warn(
            'The catalog has come to another server or timeline, and this node cannot tell whether it is whole. For ' +
              `${this.confirmMs} ms it waits for a node that can; then a new epoch begins. Nothing is written meanwhile.`,
          );
        }
        await delay(LOOK_MS * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      }
    } finally {
      this.undecidedSince = undefined;
    }
  }

  /** @param isOver whether the time for others to confirm is over */
  private async judge(isOver: boolean): Promise<Settled> {
    const { databases, guard } = this.tools;
    const told: (() => void)[] = [];
    const settled = await mapStoreErrors(() =>
      withSilenceTimeout(databases, 'view', SILENCE_MS, () =>
        databases.em('view').transactional(async em => await this.act(em, isOver, told)),
      ),
    );
    for (const tell of told) tell();
    if (settled !== 'unconfirmed') guard.noteSettled();
    return settled;
  }

  private async act(em: EntityManager, isOver: boolean, told: (() => void)[]): Promise<Settled> {
    const { heads, guard, logger } = this.tools;
    const examined = await guard.examine(em, HOLD_LIMIT_MS);
    const { head, standing } = examined;
    if (standing.kind === 'broken') return await this.begin(em, examined, standing.reason, told);
    if (standing.kind === 'unconfirmed' && isOver) return await this.begin(em, examined, 'server-unconfirmed', told);
    if (standing.kind === 'moved') {
      await heads.recordServer(em, head);
      told.push(() =>
        logger.log(
          `The catalog has come from ${serverText(head.written)} to ${serverText(head.server)} without a loss: it has ` +
            `revision ${examined.known!.revision} as this node knows it. Epoch ${head.epoch} goes on.`,
        ),
      );
    }
    return standing.kind;
  }

  private async begin(
    em: EntityManager,
    { head, known }: ExaminedHead,
    reason: EpochReason,
    told: (() => void)[],
  ): Promise<Settled> {
    const { heads, events, logger } = this.tools;
    // Not one of our ids: they begin with the time, and ETags with the first characters of the epoch.
    const epoch = randomUUID();
    const event = epochEvent(head, { epoch, batchId: newId(), reason, known: known?.revision });
    await events.ensurePartitions(em, event.revision);
    await raiseServiceRevisions(em, event.revision);
    await heads.beginEpoch(em, head, epoch);
    await events.append(em, head, [event]);
    told.push(() =>
      logger.error(
        `A new epoch of the catalog has begun: ${epoch}, at revision ${event.revision}. ${event.reason} Revision ` +
          `${head.revision} of epoch ${head.epoch} is the last that survived` +
          (known && known.revision > head.revision ? `, revision ${known.revision} was known. ` : '. ') +
          'Callers are told to read anew; docs/operations.md, "After a restore or a failover", says what to check.',
      ),
    );
    return 'begun';
  }
}
