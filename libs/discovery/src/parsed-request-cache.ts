import { type HttpAdapterHost } from '@nestjs/core';
import { parseIfNoneMatch } from '@coordination/http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type preHandlerHookHandler } from 'fastify';
import { LRUCache } from 'lru-cache';
import { answerFound } from './responses/json-response.js';
import { type DiscoveryService, type Found } from './discovery.service.js';
import { type GuardNotices, setGuardHeader } from './responses/guard-notice.js';
import { type ListQuestion } from './listing/list-question.js';

/** The route whose requests are remembered. */
export const INSTANCES_ROUTE = '/api/v1/discovery/services/:service/instances';

/** How many requests are remembered, and how long (characters) their targets may be: some megabytes in all. */
const MAX_KNOWN = 10_000;
const MAX_TARGET_LENGTH = 512;

/**
 * Remembers what plain requests mean, by their target. Callers ask the same question over and over, and checking its
 * parameters costs several times what the kept answer does: a target that was found to be right is answered before the
 * handler. Whatever is not known, or cannot be answered just now, goes the ordinary way, which says what is wrong.
 */
export class ParsedRequestCache {
  private readonly known = new LRUCache<string, ListQuestion>({ max: MAX_KNOWN });

  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly discovery: DiscoveryService,
    private readonly guards: GuardNotices,
  ) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onRoute', route => {
      if (route.url === INSTANCES_ROUTE) route.preHandler = [...[route.preHandler ?? []].flat(), this.answerKnown];
    });
  }

  /** Remembers what the target of a request means; it must mean the same whenever it comes. */
  remember({ raw }: FastifyRequest, read: ListQuestion): void {
    const target = raw.url ?? '';
    if (target.length <= MAX_TARGET_LENGTH) this.known.set(target, read);
  }

  private readonly answerKnown: preHandlerHookHandler = (request, reply, done) => {
    const read = this.known.get(request.raw.url ?? '');
    if (!read || !this.answer(request, reply, read)) done();
  };

  private answer(request: FastifyRequest, reply: FastifyReply, read: ListQuestion): boolean {
    const { namespace, service } = read;
    let found: Found;
    let ifNoneMatch;
    try {
      ifNoneMatch = parseIfNoneMatch(request.headers['if-none-match']);
      found = this.discovery.instancesNow(read);
    } catch {
      return false;
    }
    setGuardHeader(reply, this.guards.of(namespace, service));
    answerFound(reply, ifNoneMatch, found);
    return true;
  }
}
