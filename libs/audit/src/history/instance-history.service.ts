import { Injectable } from '@nestjs/common';
import { currentRequest } from '@coordination/context';
import { patchBetween, type PatchOperation } from '@coordination/kernel';
import { type EventOrder, eventsOfInstance, type LogEvent, type LogHead, type InstanceRef } from '@coordination/log';
import { Scheduler } from '@coordination/scheduling';
import { AuditQuery } from '../events/audit-query.service.js';

/** The fields of an event that its version has too. */
const EVENT_FIELDS = [
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

/** The instance after one event. */
export interface InstanceVersion extends Pick<LogEvent, (typeof EVENT_FIELDS)[number]> {
  /** The change from the version before; before its registration and after its removal, an instance is an empty object. */
  readonly patch: PatchOperation[];
  /** null: it was removed. */
  readonly instance: unknown;
}

/** The page of a history to read. */
export type HistoryRequest = InstanceRef & {
  readonly order: EventOrder;
  readonly limit: number;
  readonly cursor: string | undefined;
};

export interface HistoryPage {
  readonly items: readonly InstanceVersion[];
  /** The items as JSON, an array. */
  readonly json: string;
  readonly nextCursor: string | null;
  readonly head: LogHead;
  /** Versions up to this revision are no longer retained. */
  readonly oldestRevision: number;
}

/** Stands for an instance that does not exist. With null instead, patches would have to replace the root of the document. */
const ABSENT = {};

/** Reads the versions of one instance, or of all instances that ever had a name, from the log. */
@Injectable()
export class InstanceHistory {
  constructor(
    private readonly audit: AuditQuery,
    private readonly scheduler: Scheduler,
  ) {}

  /**
   * One page of the versions. Like a page of events, it may be short although there are more.
   * @throws InstanceNeverKnownError when the log has nothing of it
   * @throws RevisionCompactedError when it was removed before the retained part of the log
   * @throws InvalidCursorError, StoreUnavailableError
   */
  async list({ order, limit, cursor, ...instance }: HistoryRequest): Promise<HistoryPage> {
    const query = { filter: eventsOfInstance(instance), order, limit, cursor };
    const versions: InstanceVersion[] = [];
    const textOf = (event: LogEvent): string => {
      const version = versionOf(event);
      versions.push(version);
      return JSON.stringify(version);
    };
    // Computing the patch of a large instance takes a while.
    const turn = this.scheduler.begin({ workClass: 'heavy', client: currentRequest()?.clientAddress ?? undefined });
    const { items, ...page } = await this.audit.list(query, { textOf, turn });
    const isAll = page.nextCursor === null && cursor === undefined;
    if (items.length === 0 && isAll) await this.audit.assertKnown(instance);
    // The last one may have found no room on the page.
    return { ...page, items: versions.slice(0, items.length) };
  }
}

const versionOf = (event: LogEvent): InstanceVersion => ({
  ...pick(event, EVENT_FIELDS),
  patch: patchBetween(event.before ?? ABSENT, event.after ?? ABSENT),
  instance: event.after,
});

const pick = <T, K extends keyof T>(of: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.map(key => [key, of[key]])) as unknown as Pick<T, K>;
