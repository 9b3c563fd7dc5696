import {
  CatalogHeadRepository,
  compareHistory,
  EpochLogRepository,
  hasMoved,
  type HeldHead,
  type HistoryStatus,
  laterOf,
  LogCutRepository,
  type LogPosition,
} from '@coordination/log';
import { HistoryUnsettledError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Inject, Injectable } from '@nestjs/common';
import { LocalCatalog } from '../view/local-catalog.js';

/** A locked head, and how the log compares with what this node knows of it. */
export interface ExaminedHead {
  readonly head: HeldHead;
  readonly status: HistoryStatus;
  /** What this node knew of the log, as far as the log can still prove it. */
  readonly known: LogPosition | undefined;
}

/**
 * Remembers how far this node has seen the log, and refuses writes while the log lacks something that this node knows.
 * Without it, writes would continue a restored backup, or a failover that lost commits, as if nothing had happened.
 */
@Injectable()
export class HistoryCheck {
  private committed: LogPosition | undefined;
  private isDoubted = false;

  constructor(
    private readonly heads: CatalogHeadRepository,
    private readonly epochs: EpochLogRepository,
    @Inject(LocalCatalog) private readonly catalog: Pick<LocalCatalog, 'position' | 'requestPoll'>,
    private readonly cuts: LogCutRepository,
  ) {}

  /** The latest position in the log that this node has seen or written; undefined: none. */
  get known(): LogPosition | undefined {
    return laterOf(this.catalog.position(), this.committed);
  }

  /** Whether a write was refused because of the history, and the history has not been settled since. */
  get doubted(): boolean {
    return this.isDoubted;
  }

  /** Records the position of a commit of this node. */
  noteCommitted(position: LogPosition): void {
    this.committed = laterOf(position, this.committed);
  }

  /** Records that the history is settled. */
  noteSettled(): void {
    this.isDoubted = false;
  }

  /**
   * Locks the head for a write.
   * @throws HistoryUnsettledError when the log lacks what this node knows, or the node cannot tell whether it does
   */
  async lock(em: EntityManager, holdLimitMs: number): Promise<HeldHead> {
    const { head, status } = await this.examine(em, holdLimitMs);
    if (status.kind === 'unconfirmed' || status.kind === 'broken') {
      this.isDoubted = true;
      this.catalog.requestPoll();
      throw new HistoryUnsettledError();
    }
    if (status.kind === 'moved') await this.heads.recordServer(em, head);
    return head;
  }

  /** Locks the head, and compares the log with what this node knows. */
  async examine(em: EntityManager, holdLimitMs: number): Promise<ExaminedHead> {
    const { known } = this;
    const head = await this.heads.lock(em, holdLimitMs, known?.revision);
    const isContradicted = known !== undefined && head.knownHash !== known.hash;
    if (!isContradicted) return { head, known, status: compare(head, known, head.knownHash, 0) };
    const cut = await this.cuts.find(em);
    const hashThere = head.knownHash ?? (cut?.revision === known.revision ? cut.hash : null);
    // Compaction has removed what this node knows, so it proves nothing: the node was paused, and loads the catalog again.
    const provable = cut && known.revision < cut.revision ? undefined : known;
    const status = compare(head, provable, hashThere, await this.epochs.lastStart(em));
    return { head, known: provable, status };
  }
}

const compare = (
  head: HeldHead,
  known: LogPosition | undefined,
  hashThere: string | null,
  epochStart: number,
): HistoryStatus => compareHistory({ head, hasMoved: hasMoved(head), known, hashInLog: hashThere, epochStart });
