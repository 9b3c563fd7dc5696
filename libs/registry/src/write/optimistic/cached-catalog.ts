import { Inject, Injectable } from '@nestjs/common';
import { type LockedHead } from '@coordination/log';
import { HistoryCheck, type InstanceRecord, type LeasedInstance, LocalCatalog } from '@coordination/catalog';
import { type Command } from '../../domain/commands.js';
import { type QueuedRequest } from '../../requests/write-request.js';
import { PredictedHead } from './predicted-head.js';

/** What a batch can be decided on without asking the database. */
export interface CachedBasis {
  readonly head: LockedHead;
  /** The instances that the requests name, as far as they exist. Their leases are not cached. */
  readonly found: readonly LeasedInstance[];
}

/** The catalog in the memory of this node, as the basis of decisions. An append must check that it is not out of date. */
@Injectable()
export class CachedCatalog {
  constructor(
    @Inject(LocalCatalog) private readonly catalog: Pick<LocalCatalog, 'find' | 'peek' | 'position'>,
    @Inject(HistoryCheck) private readonly history: Pick<HistoryCheck, 'known' | 'doubted'>,
    private readonly predicted: PredictedHead,
  ) {}

  /**
   * What requests can be decided on, if the memory of this node is enough for that: the catalog has everything that this node
   * has seen of the log, and no decision or answer needs a lease, a term or an earlier answer. Else undefined.
   */
  basisOf(requests: readonly QueuedRequest[]): CachedBasis | undefined {
    const { catalog, history, predicted } = this;
    const position = catalog.position();
    if (!position || history.doubted || history.known?.hash !== position.hash) return undefined;
    const found = new Map<string, LeasedInstance>();
    for (const request of requests) {
      if (request.systemEvent || request.term || request.key) return undefined;
      for (const command of request.commands) {
        const record = this.subjectOf(command);
        if (record === undefined) return undefined;
        if (record) found.set(record.id, withoutLease(record));
      }
    }
    const head = predicted.head(position);
    return head && { head, found: [...found.values()] };
  }

  /**
   * Records that a batch was appended on this basis.
   * @param clock that of the database at that time (RFC 3339 in UTC)
   */
  noteAppended(clock: string): void {
    this.predicted.noteRight(clock);
  }

  /** Records that a batch could not be appended on this basis. */
  noteConflict(): void {
    this.predicted.noteWrong();
  }

  /**
   * The instance that a command names; null: it does not exist, which is enough to know; undefined: the command needs more
   * than is cached. New registrations, reports and heartbeats determine the lease themselves.
   */
  private subjectOf(command: Command): InstanceRecord | null | undefined {
    const { catalog } = this;
    switch (command.kind) {
      case 'register':
        return catalog.peek(command.identity) ? undefined : null;
      case 'report-health':
      case 'heartbeat': {
        const { target } = command;
        return ('id' in target ? catalog.find(target.id) : catalog.peek(target.identity)) ?? null;
      }
      default:
        return undefined;
    }
  }
}

/** The lease was renewed at the last change or later; each command that is decided on this basis renews it. */
const withoutLease = (instance: InstanceRecord): LeasedInstance => ({
  instance,
  lease: { renewedAt: instance.updatedAt, checkedAt: undefined },
});
