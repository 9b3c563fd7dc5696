import { setImmediate } from 'node:timers/promises';
import { patchBetween, type PatchOperation } from '@coordination/kernel';
import { type EventOrder, eventsOfPast, type LogEvent, type LogHead, type NamedPast } from '@coordination/log';
import { type AuditQuery } from '../events/audit-query.service.js';

/** What of its event a version tells. */
const TOLD = [
  'revision',
  'at',
  'action',
  'actor',
  'clientAddress',
  'requestId',
  'source',
  'reason',
  'batchId',
  'instanceUuid',
  'version',
] as const satisfies (keyof LogEvent)[];

/** What an instance became by one event. */
export interface InstanceVersion extends Pick<LogEvent, (typeof TOLD)[number]> {
  /** From the version before; both ends of an instance's life are an empty object. */
  readonly patch: PatchOperation[];
  /** null: it is gone. */
  readonly instance: unknown;
}

/** One page of a history. */
export type HistoryQuery = NamedPast & {
  readonly order: EventOrder;
  readonly limit: number;
  readonly cursor: string | undefined;
};

export interface HistoryPage {
  readonly items: InstanceVersion[];
  readonly nextCursor: string | null;
  readonly head: LogHead;
  /** Versions up to this revision are no longer retained. */
  readonly oldestRevision: number;
}

/** Where an instance is not: nothing has to be known of patches to the root to apply those of a whole life. */
const NOTHING = {};

/** Tells the versions of one instance, or of all instances that ever had a name, from the log. */
export class InstanceHistory {
  constructor(private readonly audit: AuditQuery) {}

  /**
   * One page of the versions; it may be short, as pages of the log may.
   * @throws InstanceNeverKnownError when the log has nothing of it
   * @throws RevisionCompactedError when it was gone before what is retained
   * @throws InvalidCursorError, StoreUnavailableError
   */
  async list({ order, limit, cursor, ...past }: HistoryQuery): Promise<HistoryPage> {
    const {
      items: events,
      nextCursor,
      head,
      oldestRevision,
    } = await this.audit.list({ filter: eventsOfPast(past), order, limit, cursor });
    const isAll = nextCursor === null && cursor === undefined;
    if (events.length === 0 && isAll) await this.audit.assertKnown(past);
    const items: InstanceVersion[] = [];
    for (const event of events) {
      // Large instances take a moment each; others have their turn between two of them.
      await setImmediate();
      items.push(versionOf(event));
    }
    return { items, nextCursor, head, oldestRevision };
  }
}

const versionOf = (event: LogEvent): InstanceVersion => ({
  ...pick(event, TOLD),
  patch: patchBetween(event.before ?? NOTHING, event.after ?? NOTHING),
  instance: event.after,
});

const pick = <T, K extends keyof T>(of: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.map(key => [key, of[key]])) as unknown as Pick<T, K>;
