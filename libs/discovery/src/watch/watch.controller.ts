import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { clientDisconnect, endHead, Endpoint, LastEventIdHeader, sendLive } from '@coordination/http';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { CATALOG_HEADERS, setCatalogHeaders } from '../responses/catalog-response.js';
import { watchEvents } from './watch-event.schemas.js';
import { toWatchRequest, WATCH_EXAMPLE, type WatchQuery, watchQuery } from './watch.schemas.js';
import { Watches } from './watches.service.js';

const EVENT_STREAM = 'text/event-stream';

/** After this time (ms) without traffic, TCP checks whether the client still exists. */
const KEEP_ALIVE_MS = 30_000;

/** Watching the catalog. */
@ApiTags('Discovery')
@Controller('api/v1/discovery')
export class WatchController {
  constructor(private readonly watches: Watches) {}

  @Endpoint({
    status: 200,
    response: watchEvents,
    produces: [EVENT_STREAM],
    responseHeaders: [...CATALOG_HEADERS.filter(name => name !== 'ETag'), 'Cache-Control'],
    summary: 'Watch instances',
    description: [
      'Server-sent events: each change of an instance that the filters select, exactly once and in order; `status` defaults to `any`, but to `healthy,degraded` on the list of the instances of a service: set it on both to watch what was listed. Without a revision to continue from, a `snapshot` (`{revision, instances}`) comes first. Then one event for each revision: its `id` is the revision, its name the action (such as `instance.updated`), its data `{revision, action, instance}`. An instance that leaves the selection but still exists comes as `removed`; one that was removed from the catalog comes with its last state.',
      'A `bookmark` (`{revision}`), at least every 15 seconds, confirms that every change up to its revision has been sent. After a `reset` (`{revision, reason}`) the watcher must start again without a revision: its revision is unknown (`unknown_revision`), of another epoch (`new_epoch`) or no longer retained (`compacted`), or it read too slowly (`too_slow`).',
      'When the connection ends, reconnect to any node with the last id as `Last-Event-ID` (browsers and EventSource clients do so by themselves) or as `since`.',
    ].join('\n\n'),
    work: 'hot',
    comesInBursts: true,
    operationId: 'watchInstances',
    requestHeaders: ['Last-Event-ID'],
    problems: ['INVALID_FILTER', 'OVERLOADED', 'RATE_LIMITED', 'STARTING', 'STALE_VIEW', 'STORE_UNAVAILABLE'],
    examples: { parameters: { namespace: 'default', service: 'orders' }, response: WATCH_EXAMPLE },
  })
  @Get('watch')
  async watch(
    @Query({ schema: watchQuery }) query: WatchQuery,
    @LastEventIdHeader() lastEventId: number | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const wanted = toWatchRequest(query, lastEventId);
    void reply.headers({ 'content-type': `${EVENT_STREAM}; charset=utf-8`, 'cache-control': 'no-store' });
    // Without it, nginx would buffer the events.
    void reply.header('x-accel-buffering', 'no');
    if (request.method === 'HEAD') {
      setCatalogHeaders(reply, this.watches.check());
      endHead(reply);
      return;
    }
    const { catalog, stream } = await this.watches.begin(wanted, clientDisconnect(reply.raw));
    request.raw.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // A watch ends by its own stall limit.
    request.raw.socket.setTimeout(0);
    setCatalogHeaders(reply, catalog);
    sendLive(reply, stream);
  }
}
