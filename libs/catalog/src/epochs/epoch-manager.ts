import { randomUUID } from 'node:crypto';
import {
  CatalogHeadRepository,
  epochEvent,
  type EpochReason,
  type HistoryStatus,
  serverText,
  ServiceEventRepository,
} from '@coordination/log';
import { Databases, mapStoreErrors, withSilenceTimeout } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger, Optional } from '@nestjs/common';
import { type ExaminedHead, HistoryCheck } from './history-check.js';
import { raiseServiceRevisions } from './service-revisions.js';

/** How long (ms) the transaction may hold the head; starting an epoch updates every service that ever was. */
const HOLD_LIMIT_MS = 8_000;

/** The connection is cut when the server sends nothing for so long (ms). */
const SILENCE_MS = 30_000;

/** What {@link EpochManager.settle} found or did. `begun`: this node has started a new epoch. */
export type SettleOutcome = Exclude<HistoryStatus['kind'], 'broken'> | 'begun';

/** Logger of the epoch manager. */
export interface EpochLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What the transaction did, and what to log once it is committed. */
interface Settlement {
  readonly outcome: SettleOutcome;
  readonly log?: () => void;
}

/** Decides what the log is to this node when there is doubt, and starts a new epoch where the history is broken. */
@Injectable()
export class EpochManager {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly events: ServiceEventRepository,
    private readonly check: HistoryCheck,
    @Optional() private readonly logger: EpochLogger = new Logger('History'),
  ) {}

  /** Whether a write was refused because of the history, and the history has not been settled since. */
  get doubted(): boolean {
    return this.check.doubted;
  }

  /**
   * Compares the log with what this node knows, under the lock of the head. Confirms a log that has moved to another server
   * without loss, and starts a new epoch for one that is broken. When many nodes call this at once, one of them starts the
   * epoch.
   * @param beginsUnconfirmed whether to start a new epoch also when this node cannot tell whether the log is whole
   * @throws StoreUnavailableError
   */
  async settle(beginsUnconfirmed = false): Promise<SettleOutcome> {
    const { outcome, log } = await mapStoreErrors(() =>
      withSilenceTimeout(this.databases, 'view', SILENCE_MS, () =>
        this.databases.em('view').transactional(async em => await this.settleIn(em, beginsUnconfirmed)),
      ),
    );
    log?.();
    if (outcome !== 'unconfirmed') this.check.noteSettled();
    return outcome;
  }

  private async settleIn(em: EntityManager, beginsUnconfirmed: boolean): Promise<Settlement> {
    const examined = await this.check.examine(em, HOLD_LIMIT_MS);
    const { head, known, status } = examined;
    if (status.kind === 'broken') return await this.begin(em, examined, status.reason);
    if (status.kind === 'unconfirmed' && beginsUnconfirmed) {
      return await this.begin(em, examined, 'server-unconfirmed');
    }
    if (status.kind !== 'moved') return { outcome: status.kind };
    await this.heads.recordServer(em, head);
    const log = () =>
      this.logger.log(
        `The catalog has moved from ${serverText(head.written)} to ${serverText(head.server)} without loss: it has ` +
          `revision ${known!.revision} as this node knows it. Epoch ${head.epoch} continues.`,
      );
    return { outcome: 'moved', log };
  }

  private async begin(em: EntityManager, { head, known }: ExaminedHead, reason: EpochReason): Promise<Settlement> {
    // Not a time-ordered id as other ids are: ETags contain the first characters of the epoch, which must differ.
    const epoch = randomUUID();
    const event = epochEvent(head, { epoch, batchId: newId(), reason, known: known?.revision });
    await this.events.ensurePartitions(em, event.revision);
    await raiseServiceRevisions(em, event.revision);
    await this.heads.beginEpoch(em, head, epoch);
    await this.events.append(em, head, [event]);
    const log = () =>
      this.logger.error(
        `A new epoch of the catalog has begun: ${epoch}, at revision ${event.revision}. ${event.reason} Revision ` +
          `${head.revision} of epoch ${head.epoch} is the last that survived` +
          (known && known.revision > head.revision ? `, revision ${known.revision} was known. ` : '. ') +
          'Clients are told to read everything again; docs/operations.md, "After a restore or a failover", says what to check.',
      );
    return { outcome: 'begun', log };
  }
}
