import {
  type CatalogHeadRepository,
  type EpochLogRepository,
  type HeldHead,
  hasMoved,
  type LogPosition,
  laterOf,
  LogCutRepository,
  type HistoryStatus,
  compareHistory,
} from '@coordination/log';
import { HistoryUnsettledError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LocalCatalog } from '../view/local-catalog.js';

/** What a guard works with. */
export interface HistoryCheckTools {
  readonly heads: CatalogHeadRepository;
  readonly epochs: EpochLogRepository;
  readonly catalog: Pick<LocalCatalog, 'position' | 'look'>;
}

/** A locked head, and what the log is to this node. */
export interface ExaminedHead {
  readonly head: HeldHead;
  readonly standing: HistoryStatus;
  /** What this node knew when it judged. */
  readonly known: LogPosition | undefined;
}

/**
 * Knows how far this node has seen the history of the catalog, and lets nobody write where the log does not have what is
 * known: a restored backup, or a failover that lost commits, shall not be continued as if nothing had happened.
 */
export class HistoryCheck {
  private committed: LogPosition | undefined;
  private isDoubted = false;

  constructor(
    private readonly tools: HistoryCheckTools,
    private readonly cuts = new LogCutRepository(),
  ) {}

  /** The latest place of the log that this node has seen or written; undefined: none. */
  get known(): LogPosition | undefined {
    return laterOf(this.tools.catalog.position(), this.committed);
  }

  /** Whether a write was refused, and nobody has looked into it since. */
  get doubted(): boolean {
    return this.isDoubted;
  }

  /** Notes what this node has committed. */
  noteCommitted(place: LogPosition): void {
    this.committed = laterOf(place, this.committed);
  }

  /** Notes that the history is settled, as far as it was in doubt. */
  noteSettled(): void {
    this.isDoubted = false;
  }

  /**
   * Locks the head for a write.
   * @throws HistoryUnsettledError when the log does not have what this node knows, or nobody can tell
   */
  async lock(em: EntityManager, holdLimitMs: number): Promise<HeldHead> {
    const { head, standing } = await this.examine(em, holdLimitMs);
    if (standing.kind === 'unconfirmed' || standing.kind === 'broken') {
      this.isDoubted = true;
      this.tools.catalog.look();
      throw new HistoryUnsettledError();
    }
    if (standing.kind === 'moved') await this.tools.heads.recordServer(em, head);
    return head;
  }

  /** Locks the head and judges the log by what this node knows. */
  async examine(em: EntityManager, holdLimitMs: number): Promise<ExaminedHead> {
    const { known } = this;
    const head = await this.tools.heads.lock(em, holdLimitMs, known?.revision);
    const isContradicted = known !== undefined && head.knownHash !== known.hash;
    if (!isContradicted) return { head, known, standing: this.judge(head, known, head.knownHash, 0) };
    const cut = await this.cuts.find(em);
    const hashThere = head.knownHash ?? (cut?.revision === known.revision ? cut.hash : null);
    // Of what was removed from the log, knowing it proves nothing: this node has slept since, and begins anew.
    const provable = cut && known.revision < cut.revision ? undefined : known;
    const standing = this.judge(head, provable, hashThere, await this.tools.epochs.lastStart(em));
    return { head, known: provable, standing };
  }

  private judge(
    head: HeldHead,
    known: LogPosition | undefined,
    hashThere: string | null,
    epochStart: number,
  ): HistoryStatus {
    return compareHistory({ head, hasMoved: hasMoved(head), known, hashInLog: hashThere, epochStart });
  }
}
