import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { currentRequest } from '@coordination/context';
import { endHead, Endpoint, JSON_MEDIA_TYPE, POSITION_HEADERS, RequestPlaces, setPosition } from '@coordination/http';
import { Scheduler, type Turn } from '@coordination/scheduling';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import {
  assertReachedRange,
  assertVerified,
  ChainVerifier,
  EXPORT_MEDIA_TYPES,
  type ExportFormat,
  type LogHead,
} from '@coordination/log';
import { AuditQuery } from './audit-query.service.js';
import { EXAMPLES } from './audit.examples.js';
import { eventExportQuery, type EventExportQuery, verifyQuery, type VerifyQuery } from './audit.schemas.js';
import { exportView, logHeadView, verdictView } from './event.schemas.js';
import { EventExporter } from './event-export.service.js';
import { filterOf, rangeOf } from './event-selection.js';
import { type LongRequest, LongRequests } from './long-requests.js';
import { RETENTION_EXAMPLE, type RetentionView, retentionView, toRetentionView } from './retention-view.js';

/** A client that reads nothing of an export for this long (ms) is disconnected. */
const STALL_MS = 60_000;

/** Reads and verifies the log; it cannot change it. */
@ApiTags('Audit')
@Controller('api/v1/audit')
export class AuditController {
  constructor(
    private readonly audit: AuditQuery,
    private readonly exporter: EventExporter,
    private readonly verifier: ChainVerifier,
    private readonly longRequests: LongRequests,
    private readonly scheduler: Scheduler,
    private readonly places: RequestPlaces,
  ) {}

  @Endpoint({
    summary: 'Export events',
    description:
      'The events that the filters select, as a file, oldest first, up to the head at the time of the request. The file is complete only if the response ends properly: the connection of an export that fails is closed. docs/audit.md describes how to verify the file offline.',
    work: 'long',
    operationId: 'exportAuditEvents',
    status: 200,
    response: exportView,
    produces: ['application/x-ndjson', 'text/csv'],
    responseHeaders: [...POSITION_HEADERS, 'Content-Disposition'],
    problems: ['RATE_LIMITED', 'REVISION_UNKNOWN', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { parameters: { format: 'ndjson' }, response: `${JSON.stringify(EXAMPLES.event)}\n` },
  })
  @Get('export')
  async export(
    @Query({ schema: eventExportQuery }) query: EventExportQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { order = 'asc', format = 'ndjson', ...selection } = query;
    const filter = filterOf(selection);
    if (request.method === 'HEAD') {
      setFileHeaders(reply, await this.exporter.headFor(filter), format);
      endHead(reply);
      return;
    }
    const work = this.longRequests.begin(reply.raw);
    try {
      const enter = this.places.underWay('long', work.signal);
      const { head, stream } = await this.exporter.begin(filter, order, format, this.turnOf(work), enter);
      setFileHeaders(reply, head, format);
      stream.once('close', () => work.end());
      work.signal.addEventListener('abort', () => stream.destroy(work.signal.reason as Error));
      reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
      void reply.send(stream);
    } catch (error) {
      work.end();
      throw error;
    }
  }

  @Endpoint({
    summary: 'Get the head of the log',
    description:
      'An anchor: stored elsewhere, it lets `verify` detect later whether the log up to it was rewritten or cut off.',
    work: 'heavy',
    operationId: 'getAuditHead',
    status: 200,
    response: logHeadView,
    responseHeaders: POSITION_HEADERS,
    problems: ['STORE_UNAVAILABLE'],
    examples: { response: EXAMPLES.head },
  })
  @Get('head')
  async head(@Res({ passthrough: true }) reply: FastifyReply): Promise<LogHead> {
    const head = await this.audit.head();
    setPosition(reply, head);
    return head;
  }

  @Endpoint({
    summary: 'Get the retained part of the log',
    description:
      'Where the log begins. `oldestRevision` is the oldest revision that `asOf`, `from` of a diff and `since` of a watch accept; all later events are retained. The hash chain continues from `anchor`. Each cut records which events were removed, when, and to which file they were exported.',
    work: 'heavy',
    operationId: 'getAuditRetention',
    status: 200,
    response: retentionView,
    responseHeaders: POSITION_HEADERS,
    problems: ['STORE_UNAVAILABLE'],
    examples: { response: RETENTION_EXAMPLE },
  })
  @Get('retention')
  async retention(@Res({ passthrough: true }) reply: FastifyReply): Promise<RetentionView> {
    const { head, cuts } = await this.audit.retention();
    setPosition(reply, head);
    return toRetentionView(cuts);
  }

  @Endpoint({
    summary: 'Verify the hash chain',
    description: [
      'Hashes every event of the range again and returns the first revision at which the log differs from what was written:',
      '`HASH_MISMATCH` (the event was changed), `LINK_MISMATCH` (its `previousHash` is not the hash of the event before), `EVENT_MISSING` (there is no event), `HEAD_MISSING`, `HEAD_MISMATCH`, `BEYOND_HEAD` (the head row is missing, or does not match the newest event), `CUT_MISMATCH` (the beginning was removed, and no event records it), `ANCHOR_MISSING`, `ANCHOR_MISMATCH` (the anchor was taken from another log).',
      'Only an anchor detects that the whole chain was rewritten, or that its end was cut off together with the head. The service hashes some thousands of events per second and responds at the end: verify a long log in ranges.',
    ].join(' '),
    work: 'long',
    operationId: 'verifyAuditLog',
    status: 200,
    response: verdictView,
    problems: ['RATE_LIMITED', 'REVISION_UNKNOWN', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { response: EXAMPLES.verdict },
  })
  @Get('verify')
  async verify(
    @Query({ schema: verifyQuery }) { anchor, from, to }: VerifyQuery,
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
      const verdict = await this.verifier.verify(verification, this.turnOf(work), () => this.places.handOn());
      assertVerified(verification, verdict);
      void reply.send(verdict);
    } finally {
      work.end();
    }
  }

  private turnOf({ signal }: LongRequest): Turn {
    return this.scheduler.begin({ workClass: 'long', client: currentRequest()?.clientAddress }, signal);
  }
}

function setFileHeaders(reply: FastifyReply, head: Pick<LogHead, 'revision' | 'epoch'>, format: ExportFormat): void {
  setPosition(reply, head);
  const name = `audit-${head.epoch.slice(0, 8)}-${head.revision}.${format}`;
  void reply.headers({
    'content-type': EXPORT_MEDIA_TYPES[format],
    'content-disposition': `attachment; filename="${name}"`,
  });
}
