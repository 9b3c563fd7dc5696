import { Injectable } from '@nestjs/common';
import { patchBetween, type PatchOperation } from '@coordination/kernel';
import { type EventOrder, eventsOfInstance, type LogEvent, type InstanceRef } from '@coordination/log';
import { AuditQuery } from '../events/audit-query.service.js';
import { EventPages, type PageAnswer, type PageForm } from '../events/event-pages.js';

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

/** Stands for an instance that does not exist. With null instead, patches would have to replace the root of the document. */
const ABSENT = {};

/** Reads the versions of one instance, or of all instances that ever had a name, from the log. */
@Injectable()
export class InstanceHistory {
  constructor(
    private readonly audit: AuditQuery,
    private readonly pages: EventPages,
  ) {}

  /**
   * One page of the versions. Like a page of events, it may be short although there are more.
   * @throws InstanceNeverKnownError when the log has nothing of it
   * @throws RevisionCompactedError when it was removed before the retained part of the log
   * @throws InvalidCursorError, StoreUnavailableError
   */
  async list({ order, limit, cursor, ...instance }: HistoryRequest): Promise<PageAnswer> {
    const page = await this.pages.find({ filter: eventsOfInstance(instance), order, limit, cursor }, VERSIONS);
    const isAll = page.nextCursor === null && cursor === undefined;
    if (page.size === 0 && isAll) await this.audit.assertKnown(instance);
    return page;
  }
}

const versionOf = (event: LogEvent): InstanceVersion => ({
  ...pick(event, EVENT_FIELDS),
  patch: patchBetween(event.before ?? ABSENT, event.after ?? ABSENT),
  instance: event.after,
});

const pick = <T, K extends keyof T>(of: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.map(key => [key, of[key]])) as unknown as Pick<T, K>;

const VERSIONS: PageForm = {
  name: 'versions',
  itemOf: event => JSON.stringify(versionOf(event)),
  restOf: (nextCursor, { oldestRevision }) => ({ nextCursor, oldestRevision }),
};
