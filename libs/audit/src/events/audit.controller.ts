import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { endHead, Endpoint, JSON_MEDIA_TYPE } from '@coordination/http';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import {
  assertReachedRange,
  assertReachedSpan,
  assertVerified,
  ChainVerifier,
  EXPORT_MEDIA_TYPES,
  type ExportFormat,
  type LogEvent,
  type LogHead,
} from '@coordination/log';
import { AuditQuery } from './audit-query.service.js';
import {
  AuditEventView,
  DEFAULT_LIMIT,
  EventExportQuery,
  EventListQuery,
  EventPageView,
  EventPath,
  EXAMPLES,
  ExportView,
  LogHeadView,
  VerdictView,
  VerifyQuery,
} from './audit.schemas.js';
import { EventExporter } from './event-export.service.js';
import { filterOf, rangeOf } from './event-selection.js';
import { LongRequests } from './long-requests.js';
import { RETENTION_EXAMPLE, RetentionView, toRetentionView } from './retention-view.js';

/** A client that takes nothing of an export for this long (ms) is gone. */
const STALL_MS = 60_000;

const CATALOG_HEADERS = ['X-Catalog-Revision', 'X-Catalog-Epoch'] as const;

/** The log, to be read and verified. Nothing here can change it. */
@ApiTags('Audit')
@Controller('api/v1/audit')
export class AuditController {
  constructor(
    private readonly audit: AuditQuery,
    private readonly exporter: EventExporter,
    private readonly verifier: ChainVerifier,
    private readonly longRequests: LongRequests,
  ) {}

  @Get('events')
  @Endpoint({
    summary: 'List events',
    description:
      'All changes to the catalog, newest first. All filters must agree. A page may be shorter than `limit`, or empty, although there are more: only a null `nextCursor` is the end.',
    operationId: 'listAuditEvents',
    status: 200,
    response: EventPageView,
    responseHeaders: CATALOG_HEADERS,
    problems: ['INVALID_CURSOR', 'REVISION_UNKNOWN', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { parameters: { limit: 10 }, response: { items: [EXAMPLES.event], nextCursor: null } },
  })
  async list(
    @Query({ schema: EventListQuery }) query: EventListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: LogEvent[]; nextCursor: string | null }> {
    const { order = 'desc', limit = DEFAULT_LIMIT, cursor, ...selection } = query;
    const filter = filterOf(selection);
    const { items, nextCursor, head } = await this.audit.list({ filter, order, limit, cursor });
    assertReachedSpan(filter, head);
    tellHead(reply, head);
    return { items, nextCursor };
  }

  @Get('events/:revision')
  @Endpoint({
    summary: 'Get one event',
    description: 'One change to the catalog, by its revision, as the log has it.',
    operationId: 'getAuditEvent',
    status: 200,
    response: AuditEventView,
    responseHeaders: CATALOG_HEADERS,
    problems: ['EVENT_NOT_FOUND', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { parameters: { revision: 1 }, response: EXAMPLES.event },
  })
  async get(
    @Param({ schema: EventPath }) { revision }: EventPath,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LogEvent> {
    const { event, head } = await this.audit.get(revision);
    tellHead(reply, head);
    return event;
  }

  @Get('export')
  @Endpoint({
    summary: 'Export events',
    description:
      'The events that the filters select as a file, oldest first, up to the head at the time of the request. It is whole if the answer ends properly: one that fails is cut off. docs/audit.md tells how to verify it offline.',
    operationId: 'exportAuditEvents',
    status: 200,
    response: ExportView,
    produces: ['application/x-ndjson', 'text/csv'],
    responseHeaders: [...CATALOG_HEADERS, 'Content-Disposition'],
    problems: ['RATE_LIMITED', 'REVISION_UNKNOWN', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { parameters: { format: 'ndjson' }, response: `${JSON.stringify(EXAMPLES.event)}\n` },
  })
  async export(
    @Query({ schema: EventExportQuery }) query: EventExportQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { order = 'asc', format = 'ndjson', ...selection } = query;
    const filter = filterOf(selection);
    if (request.method === 'HEAD') {
      tellFile(reply, await this.exporter.headFor(filter), format);
      endHead(reply);
      return;
    }
    const work = this.longRequests.begin(reply.raw);
    try {
      const { head, stream } = await this.exporter.begin(filter, order, format);
      tellFile(reply, head, format);
      stream.once('close', () => work.end());
      work.signal.addEventListener('abort', () => stream.destroy(work.signal.reason as Error));
      reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
      void reply.send(stream);
    } catch (error) {
      work.end();
      throw error;
    }
  }

  @Get('head')
  @Endpoint({
    summary: 'Get the head of the log',
    description:
      'An anchor: noted elsewhere, it lets `verify` find out later whether the log up to it was rewritten or cut.',
    operationId: 'getAuditHead',
    status: 200,
    response: LogHeadView,
    responseHeaders: CATALOG_HEADERS,
    problems: ['STORE_UNAVAILABLE'],
    examples: { response: EXAMPLES.head },
  })
  async head(@Res({ passthrough: true }) reply: FastifyReply): Promise<LogHead> {
    const head = await this.audit.head();
    tellHead(reply, head);
    return head;
  }

  @Get('retention')
  @Endpoint({
    summary: 'Get what is retained of the log',
    description:
      'Where the log begins. `oldestRevision` is the oldest that `asOf`, `from` of a diff and `since` of a watch take, and everything after it is there. `anchor` is what the hash chain goes on from; the cuts tell what was removed, when, and to which file it was exported.',
    operationId: 'getAuditRetention',
    status: 200,
    response: RetentionView,
    responseHeaders: CATALOG_HEADERS,
    problems: ['STORE_UNAVAILABLE'],
    examples: { response: RETENTION_EXAMPLE },
  })
  async retention(@Res({ passthrough: true }) reply: FastifyReply): Promise<RetentionView> {
    const { head, cuts } = await this.audit.retention();
    tellHead(reply, head);
    return toRetentionView(cuts);
  }

  @Get('verify')
  @Endpoint({
    summary: 'Verify the hash chain',
    description: [
      'Hashes every event of the range again and names the first revision at which the log is not what was written:',
      '`HASH_MISMATCH` (the event was changed), `LINK_MISMATCH` (it does not follow from the one before), `EVENT_MISSING` (there is none), `HEAD_MISSING`, `HEAD_MISMATCH`, `BEYOND_HEAD` (the head row is gone, or does not fit the newest event), `CUT_MISMATCH` (the beginning was removed, and no event tells of it), `ANCHOR_MISSING`, `ANCHOR_MISMATCH` (the log is not the one that the anchor was taken from).',
      'Whoever can rewrite the whole chain, or cut its end together with the head, is found out by an anchor alone. It hashes some thousands of events a second, and answers at the end: ask for ranges of a long log.',
    ].join(' '),
    operationId: 'verifyAuditLog',
    status: 200,
    response: VerdictView,
    problems: ['RATE_LIMITED', 'REVISION_UNKNOWN', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { response: EXAMPLES.verdict },
  })
  async verify(
    @Query({ schema: VerifyQuery }) { anchor, from, to }: VerifyQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const verification = { anchor, ...rangeOf(from, to) };
    if (request.method === 'HEAD') {
      assertReachedRange(verification, await this.verifier.headFor(verification));
      endHead(reply.type(`${JSON_MEDIA_TYPE}; charset=utf-8`));
      return;
    }
    const work = this.longRequests.begin(reply.raw);
    try {
      const verdict = await this.verifier.verify(verification, work.signal);
      assertVerified(verification, verdict);
      void reply.send(verdict);
    } finally {
      work.end();
    }
  }
}

function tellHead(reply: FastifyReply, { revision, epoch }: Pick<LogHead, 'revision' | 'epoch'>): void {
  void reply.headers({ 'x-catalog-revision': revision, 'x-catalog-epoch': epoch });
}

function tellFile(reply: FastifyReply, head: Pick<LogHead, 'revision' | 'epoch'>, format: ExportFormat): void {
  tellHead(reply, head);
  const name = `audit-${head.epoch.slice(0, 8)}-${head.revision}.${format}`;
  void reply.headers({
    'content-type': EXPORT_MEDIA_TYPES[format],
    'content-disposition': `attachment; filename="${name}"`,
  });
}
