import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, type IfNoneMatch, IfNoneMatchHeader, matchesNone, type SuccessOptions } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { answerFound, answerSettled } from './responses/json-response.js';
import {
  type AnsweredCatalog,
  CATALOG_HEADERS,
  revisionTag,
  sendJson,
  setCatalogHeaders,
} from './responses/catalog-response.js';
import {
  NAMESPACES_EXAMPLE,
  SEARCH_EXAMPLE,
  SEARCH_PARAMETERS_EXAMPLE,
  SERVICE_INSTANCES_EXAMPLE,
  SERVICES_EXAMPLE,
} from './api/discovery.examples.js';
import {
  ALL_NAMESPACES,
  instancePage,
  namespaceList,
  type NamespacesQuery,
  namespacesQuery,
  serviceInstances,
  serviceList,
  type ServiceParams,
  serviceParams,
} from './api/discovery.schemas.js';
import { DiscoveryService } from './discovery.service.js';
import { NO_DEMAND, toDemand, WAITING_PROBLEMS } from './freshness/read-consistency.js';
import { GuardNoticeSlot, setGuardHeader } from './responses/guard-notice.js';
import { NAMED_IN_CATALOG, toFields } from './listing/instance-fields.js';
import { type ListPosition } from './listing/list-cursor.js';
import { type ListQuestion, variantOfFields } from './listing/list-question.js';
import { toPart, toPosition } from './listing/list.schemas.js';
import { answerPast, hasTag, PAST_HEADERS, PAST_PROBLEMS } from './past/past-answer.js';
import { PastDiscovery } from './past/past-discovery.service.js';
import {
  type InstancesAtQuery,
  instancesAtQuery,
  type SearchAtQuery,
  searchAtQuery,
  type ServicesAtQuery,
  servicesAtQuery,
} from './past/past.schemas.js';
import { ParsedRequestCache } from './parsed-request-cache.js';
import { USABLE } from './selection/selection.js';
import { toSelection } from './filter/selection.schemas.js';

const NOT_MODIFIED = { status: 304, responseHeaders: CATALOG_HEADERS } as const satisfies SuccessOptions;
const PAST_NOT_MODIFIED = { status: 304, responseHeaders: PAST_HEADERS } as const satisfies SuccessOptions;

/** Finding services and instances. */
@ApiTags('Discovery')
@Controller('api/v1/discovery')
export class DiscoveryController {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly past: PastDiscovery,
    private readonly guards: GuardNoticeSlot,
    private readonly plain: ParsedRequestCache,
  ) {}

  @Endpoint({
    status: 200,
    response: namespaceList,
    responseHeaders: CATALOG_HEADERS,
    otherSuccesses: [NOT_MODIFIED],
    summary: 'List namespaces',
    description: 'The namespaces that have instances.',
    operationId: 'listNamespaces',
    requestHeaders: ['If-None-Match'],
    problems: ['STARTING', ...WAITING_PROBLEMS],
    examples: { response: NAMESPACES_EXAMPLE },
  })
  @Get('namespaces')
  async namespaces(
    @Query({ schema: namespacesQuery }) query: NamespacesQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    answerFound(reply, ifNoneMatch, await this.discovery.namespaces(toDemand(query, reply.raw)));
  }

  @Endpoint({
    status: 200,
    response: serviceList,
    responseHeaders: PAST_HEADERS,
    otherSuccesses: [PAST_NOT_MODIFIED],
    summary: 'List services',
    description:
      'The services of a namespace that have instances, with what can be said of all their instances together. With filters, only the instances that they select count; `status` defaults to `any`. The whole list is answered from memory, a filtered one by PostgreSQL, one with `asOf` from the log.',
    operationId: 'listServices',
    requestHeaders: ['If-None-Match'],
    problems: ['INVALID_FILTER', 'STARTING', ...WAITING_PROBLEMS, ...PAST_PROBLEMS],
    examples: { parameters: { namespace: 'default' }, response: SERVICES_EXAMPLE },
  })
  @Get('services')
  async services(
    @Query({ schema: servicesAtQuery }) query: ServicesAtQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { namespace, asOf } = query;
    const demand = toDemand(query, reply.raw);
    const selection = toSelection(query, 'any');
    if (asOf) return answerPast(reply, await this.past.services(asOf, namespace, selection, hasTag(ifNoneMatch)));
    answerFound(reply, ifNoneMatch, await this.discovery.services(namespace, selection, demand));
  }

  @Endpoint({
    status: 200,
    response: serviceInstances,
    responseHeaders: [...PAST_HEADERS, 'X-Liveness-Guard'],
    otherSuccesses: [{ ...PAST_NOT_MODIFIED, responseHeaders: [...PAST_HEADERS, 'X-Liveness-Guard'] }],
    summary: 'List the instances of a service',
    description:
      'The instances that the filters select; `status` defaults to `healthy,degraded`, but to `any` on the watch, the search and the diff: say it on both to watch what was listed. The ETag changes with every change of the service, and is the same on all nodes. A service that is not known has no instances; that is no error. With `limit` the list comes in pages, all of which show the service as it was for the first one; later pages come from memory, or from the log once the service has changed. With `asOf` it is, to the byte, what was answered then, but for the revision of a service without instances that had been dropped by then.',
    operationId: 'listServiceInstances',
    requestHeaders: ['If-None-Match'],
    problems: ['INVALID_FILTER', 'INVALID_CURSOR', 'STARTING', ...WAITING_PROBLEMS, ...PAST_PROBLEMS],
    examples: { parameters: { service: 'orders', namespace: 'default' }, response: SERVICE_INSTANCES_EXAMPLE },
  })
  @Get('services/:service/instances')
  async serviceInstances(
    @Param({ schema: serviceParams }) { service }: ServiceParams,
    @Query({ schema: instancesAtQuery }) query: InstancesAtQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { namespace, asOf, cursor } = query;
    const demand = toDemand(query, reply.raw);
    const question = { namespace, service, selection: toSelection(query, USABLE), part: toPart(query) };
    const position = toPosition(question, cursor);
    if (asOf) {
      const { selection, part } = question;
      const found = await this.past.instancesOf(asOf, question, selection, hasTag(ifNoneMatch), { part, position });
      return answerPast(reply, found);
    }
    if (position) return await this.laterPage(reply, ifNoneMatch, question, position);
    const found = await this.discovery.instancesOf(question, demand);
    if (demand === NO_DEMAND) this.plain.remember(reply.request, question);
    setGuardHeader(reply, this.guards.of(namespace, service));
    answerFound(reply, ifNoneMatch, found);
  }

  @Endpoint({
    status: 200,
    response: instancePage,
    responseHeaders: PAST_HEADERS,
    otherSuccesses: [PAST_NOT_MODIFIED],
    summary: 'Search instances',
    description:
      'Searches the whole catalog, in PostgreSQL; `status` defaults to `any`. A walk over the pages misses nothing and repeats nothing that stayed in its place meanwhile; with `asOf` it is a walk over one revision, to be gone on with by the same `asOf`.',
    operationId: 'searchInstances',
    requestHeaders: ['If-None-Match'],
    problems: ['INVALID_FILTER', 'INVALID_CURSOR', 'STARTING', ...WAITING_PROBLEMS, ...PAST_PROBLEMS],
    examples: { parameters: SEARCH_PARAMETERS_EXAMPLE, response: SEARCH_EXAMPLE },
  })
  @Get('instances')
  async search(
    @Query({ schema: searchAtQuery }) query: SearchAtQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const demand = toDemand(query, reply.raw);
    const { namespace, service, sort, order, limit, cursor, asOf } = query;
    const fields = toFields(query.fields, NAMED_IN_CATALOG);
    const search = {
      namespace: namespace === ALL_NAMESPACES ? null : namespace,
      service: service ?? null,
      selection: toSelection(query, 'any'),
      sort,
      order,
      limit,
      cursor,
      fields,
    };
    if (asOf) return answerPast(reply, await this.past.search(asOf, search, hasTag(ifNoneMatch)));
    // A page of a search may change with every change of the catalog.
    const tagOf = ({ epoch, revision }: AnsweredCatalog) => revisionTag(epoch, revision, variantOfFields(fields));
    const isKnown = (catalog: AnsweredCatalog) => matchesNone(ifNoneMatch, tagOf(catalog));
    const { catalog, body } = await this.discovery.search(search, isKnown, demand);
    setCatalogHeaders(reply, catalog, tagOf(catalog));
    sendJson(reply, body);
  }

  /** From memory, if the service is still what the first page showed, else from the log. The answer is the same. */
  private async laterPage(
    reply: FastifyReply,
    ifNoneMatch: IfNoneMatch,
    question: ListQuestion,
    position: ListPosition,
  ): Promise<void> {
    const found = await this.discovery.laterPage(question, position);
    setGuardHeader(reply, this.guards.of(question.namespace, question.service));
    if (found) return answerSettled(reply, ifNoneMatch, found);
    answerPast(reply, await this.past.laterPage(question, position, hasTag(ifNoneMatch)));
  }
}
