import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { parseIfNoneMatch } from '@coordination/http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type preHandlerHookHandler } from 'fastify';
import { LRUCache } from 'lru-cache';
import { DiscoveryService } from './discovery.service.js';
import { type ListQuery } from './listing/list-query.js';
import { GuardNoticeSlot, setGuardHeader } from './responses/guard-notice.js';
import { sendFound } from './responses/json-response.js';
import { type Found } from './responses/view-json.js';

/** The route whose requests are cached. */
export const INSTANCES_ROUTE = '/api/v1/discovery/services/:service/instances';

/** How many requests are cached, and how long (characters) their targets may be: some megabytes in all. */
const MAX_REQUESTS = 10_000;
const MAX_TARGET_LENGTH = 512;

/**
 * Caches the parsed queries of requests without consistency requirements, by request target. Clients repeat the same request,
 * and validating its parameters costs several times what the cached response does: a known target is answered before the
 * handler. All other requests, and those that cannot be answered at once, reach the handler, which reports what is wrong.
 */
@Injectable()
export class ParsedRequestCache {
  private readonly queries = new LRUCache<string, ListQuery>({ max: MAX_REQUESTS });

  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly discovery: DiscoveryService,
    private readonly guards: GuardNoticeSlot,
  ) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onRoute', route => {
      if (route.url === INSTANCES_ROUTE) route.preHandler = [...[route.preHandler ?? []].flat(), this.answerKnown];
    });
  }

  /** Caches the query of a request; the same target must always mean the same query. */
  remember({ raw }: FastifyRequest, query: ListQuery): void {
    const target = raw.url ?? '';
    if (target.length <= MAX_TARGET_LENGTH) this.queries.set(target, query);
  }

  private readonly answerKnown: preHandlerHookHandler = (request, reply, done) => {
    const query = this.queries.get(request.raw.url ?? '');
    if (!query || !this.answer(request, reply, query)) done();
  };

  private answer(request: FastifyRequest, reply: FastifyReply, query: ListQuery): boolean {
    const { namespace, service } = query;
    let found: Found | undefined;
    let ifNoneMatch;
    if (this.discovery.needsPlace(query)) return false;
    try {
      ifNoneMatch = parseIfNoneMatch(request.headers['if-none-match']);
      found = this.discovery.listInstancesNow(query);
    } catch {
      return false;
    }
    if (!found) return false;
    setGuardHeader(reply, this.guards.of(namespace, service));
    sendFound(reply, ifNoneMatch, found);
    return true;
  }
}
