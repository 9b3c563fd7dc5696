import { setImmediate } from 'node:timers/promises';
import { InstanceNeverKnownError, type PatchOperation, patchBetween } from '@coordination/kernel';
import { type AuditEvent, type LogHead } from './audit-event.js';
import { type AuditQuery } from './audit-query.service.js';
import { type EventOrder } from './event-filter.js';

/** What an instance became by one event. */
export interface InstanceVersion extends Pick<
  AuditEvent,
  'revision' | 'at' | 'action' | 'actor' | 'reason' | 'requestId' | 'version'
> {
  /** From the version before; both ends of an instance's life are an empty object. */
  readonly patch: PatchOperation[];
  /** null: it is gone. */
  readonly instance: unknown;
}

/** One page of a history. */
export interface HistoryQuery {
  /** UUID of the instance. */
  readonly id: string;
  readonly order: EventOrder;
  readonly limit: number;
  readonly cursor: string | undefined;
}

export interface HistoryPage {
  readonly items: InstanceVersion[];
  readonly nextCursor: string | null;
  readonly head: LogHead;
  /** Versions up to this revision are no longer retained. */
  readonly oldestRevision: number;
}

/** Where an instance is not: nothing has to be known of patches to the root to apply those of a whole life. */
const NOTHING = {};

/** Tells the versions of one instance, from the log. */
export class InstanceHistory {
  constructor(private readonly audit: AuditQuery) {}

  /**
   * One page of the versions of an instance; it may be short, as pages of the log may.
   * @throws InstanceNeverKnownError when the log has nothing of it
   * @throws InvalidCursorError, StoreUnavailableError
   */
  async list({ id, order, limit, cursor }: HistoryQuery): Promise<HistoryPage> {
    const {
      items: events,
      nextCursor,
      head,
      oldestRevision,
    } = await this.audit.list({
      filter: { instance: id },
      order,
      limit,
      cursor,
    });
    const isAll = nextCursor === null && cursor === undefined;
    if (events.length === 0 && isAll && !(await this.audit.isInBaseline(id))) throw new InstanceNeverKnownError(id);
    const items: InstanceVersion[] = [];
    for (const event of events) {
      // Large instances take a moment each; others have their turn between two of them.
      await setImmediate();
      items.push(versionOf(event));
    }
    return { items, nextCursor, head, oldestRevision };
  }
}

const versionOf = ({
  revision,
  at,
  action,
  actor,
  reason,
  requestId,
  version,
  before,
  after,
}: AuditEvent): InstanceVersion => ({
  revision,
  at,
  action,
  actor,
  reason,
  requestId,
  version,
  patch: patchBetween(before ?? NOTHING, after ?? NOTHING),
  instance: after,
});
