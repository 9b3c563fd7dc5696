import { type LockedHead } from '@coordination/log';
import { type HistoryCheck, type InstanceRecord, type LeasedInstance, type LocalCatalog } from '@coordination/catalog';
import { type Command } from '../../domain/commands.js';
import { type PredictedHead } from './predicted-head.js';
import { type WriteRequest } from '../../requests/write-request.js';

/** What a batch can be decided on without asking the database. */
export interface KnownBasis {
  readonly head: LockedHead;
  /** The instances that the requests name, as far as they exist. Of their leases, nothing is known. */
  readonly found: readonly LeasedInstance[];
}

/** What is asked of this node's catalog. */
export type CatalogHints = Pick<LocalCatalog, 'find' | 'peek' | 'position'>;

export interface CachedCatalogParts {
  readonly catalog: CatalogHints;
  readonly history: Pick<HistoryCheck, 'known' | 'doubted'>;
  readonly forecast: PredictedHead;
}

/** The catalog as this node knows it. */
export class CachedCatalog {
  constructor(private readonly parts: CachedCatalogParts) {}

  /**
   * What requests can be decided on, if what this node has in memory is enough for that: the catalog has all that this node
   * knows of the log, and no decision or answer needs a lease, a term or an earlier answer. Else undefined.
   */
  basisOf(requests: readonly WriteRequest[]): KnownBasis | undefined {
    const { catalog, history, forecast } = this.parts;
    const position = catalog.position();
    if (!position || history.doubted || history.known?.hash !== position.hash) return undefined;
    const found = new Map<string, LeasedInstance>();
    for (const request of requests) {
      if (request.occurrence || request.term || request.origin.repeatable) return undefined;
      for (const command of request.commands) {
        const record = subjectOf(command, catalog);
        if (record === undefined) return undefined;
        if (record) found.set(record.id, withoutLease(record));
      }
    }
    const head = forecast.head(position);
    return head && { head, found: [...found.values()] };
  }
}

/**
 * The instance that a command names; null: there is none, which is enough to know; undefined: more than the catalog has is
 * needed. Registering anew, reports and heartbeats say themselves what the lease is afterwards.
 */
function subjectOf(command: Command, catalog: CatalogHints): InstanceRecord | null | undefined {
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

/** The lease was renewed at the last change or later; whoever decides on this renews it. */
const withoutLease = (instance: InstanceRecord): LeasedInstance => ({
  instance,
  lease: { renewedAt: instance.updatedAt, checkedAt: undefined },
});
