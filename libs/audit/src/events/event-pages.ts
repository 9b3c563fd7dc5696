import { PageText, type SharedAnswer, SharedAnswers, type SharedBody } from '@coordination/http';
import { type LogEvent, type LogHead, queryDigest } from '@coordination/log';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { Inject, Injectable } from '@nestjs/common';
import { eventPagesBound } from '../kept-shares.js';
import { AuditQuery, type EventQuery, type PageStart } from './audit-query.service.js';

/** How a page is written as JSON. */
export interface PageForm {
  /** Distinguishes this form from others. */
  readonly name: string;
  /** The JSON of the item of an event. */
  readonly itemOf: (event: LogEvent) => string;
  /** The members of the page beside its items. */
  readonly restOf: (nextCursor: string | null, start: PageStart) => Readonly<Record<string, unknown>>;
}

/** Events as they are. */
export const EVENTS_AS_JSON: PageForm = {
  name: 'events',
  itemOf: event => JSON.stringify(event),
  restOf: nextCursor => ({ nextCursor }),
};

interface MadePage {
  readonly body: string | SharedBody;
  /** The number of items. */
  readonly size: number;
  readonly nextCursor: string | null;
}

/** A page as it is sent. */
export type PageAnswer = SharedAnswer<MadePage> & {
  /** The head of the log, not earlier than the request. */
  readonly head: LogHead;
};

/**
 * Pages of events as JSON. Their items become bytes while the events are read, so that neither events nor texts stay in memory.
 * A page is made once for all who ask for it before an event is written that may change it: each request reads the head of the
 * log and, for one instance, its newest event, and these are part of the key.
 */
@Injectable()
export class EventPages {
  private readonly answers: SharedAnswers<MadePage>;

  constructor(
    private readonly audit: AuditQuery,
    scheduler: Scheduler,
    metrics: Metrics,
    @Inject(eventPagesBound) maxBytes: number,
  ) {
    const answers = new SharedAnswers<MadePage>(scheduler, maxBytes);
    this.answers = answers;
    metrics.observedGauge(
      'event_pages_kept_bytes',
      'Bytes of pages of events and histories that are kept.',
      () => answers.keptBytes,
    );
    metrics.observedCounters(
      {
        name: 'event_pages_total',
        help: 'Pages of events and histories that were made, and that were shared with another request.',
        labelNames: ['source'],
      },
      () => [
        { labels: { source: 'made' }, value: answers.made },
        { labels: { source: 'shared' }, value: answers.shared },
      ],
    );
  }

  /**
   * One page. It may be shorter than `limit` although there are more events, because the search takes long or the page is large:
   * only a null `nextCursor` means the end.
   * @throws InvalidCursorError when the cursor belongs to another query
   * @throws RevisionUnknownError when the cursor is from an epoch that has ended
   * @throws RevisionCompactedError when requested events are no longer retained
   * @throws StoreUnavailableError
   */
  async find(query: EventQuery, form: PageForm): Promise<PageAnswer> {
    const start = await this.audit.begin(query, begun => !this.answers.has(keyOf(begun, form)));
    const answer = await this.answers.find(keyOf(start, form), async turn => {
      const page = new PageText();
      const take = (event: LogEvent): number | undefined => {
        const bytes = page.byteLength;
        return page.add(form.itemOf(event)) ? page.byteLength - bytes : undefined;
      };
      const nextCursor = await this.audit.read(start, take, turn);
      const rest = JSON.stringify(form.restOf(nextCursor, start)).slice(1);
      return { body: page.body('{"items":[', `],${rest}`), size: page.size, nextCursor };
    });
    return { ...answer, head: start.head };
  }
}

/** Everything that a page depends on. */
function keyOf({ query, head, oldestRevision, span, newest }: PageStart, { name }: PageForm): string {
  const { filter, order, limit, cursor } = query;
  // Without the end of the span, which grows with the log: later events that are selected change `newest`.
  return JSON.stringify([
    name,
    queryDigest(filter, order),
    limit,
    cursor,
    head.epoch,
    oldestRevision,
    span.after,
    newest,
  ]);
}
