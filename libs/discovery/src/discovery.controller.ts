import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  clientDisconnect,
  Endpoint,
  type IfNoneMatch,
  IfNoneMatchHeader,
  matchesNone,
  RequestPlaces,
  type SuccessOptions,
} from '@coordination/http';
import { type FastifyReply } from 'fastify';
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
import { toSelection } from './filter/selection.schemas.js';
import { EVENTUAL, type ReadConsistency, toConsistency, WAITING_PROBLEMS } from './freshness/read-consistency.js';
import { NAMED_IN_CATALOG, toFields } from './listing/instance-fields.js';
import { type ListPosition } from './listing/list-cursor.js';
import { type ListQuery, variantOfFields } from './listing/list-query.js';
import { toPart, toPosition } from './listing/list.schemas.js';
import { ParsedRequestCache } from './parsed-request-cache.js';
import { PastDiscovery } from './past/past-discovery.service.js';
import { hasTag, PAST_HEADERS, PAST_PROBLEMS, sendPast } from './past/past-response.js';
import {
  type InstancesAtQuery,
  instancesAtQuery,
  type SearchAtQuery,
  searchAtQuery,
  type ServicesAtQuery,
  servicesAtQuery,
} from './past/past.schemas.js';
import { CATALOG_HEADERS, sendJson, setCatalogHeaders } from './responses/catalog-response.js';
import { type CatalogVersion, revisionTag } from './responses/catalog-version.js';
import { GuardNoticeSlot, setGuardHeader } from './responses/guard-notice.js';
import { sendFound, sendImmutable } from './responses/json-response.js';
import { USABLE } from './selection/selection.js';

const NOT_MODIFIED = { status: 304, responseHeaders: CATALOG_HEADERS } as const satisfies SuccessOptions;
const PAST_NOT_MODIFIED = { status: 304, responseHeaders: PAST_HEADERS } as const satisfies SuccessOptions;

/** The same requirements for work that takes longer than its caller may stay. */
const untilGone = (consistency: ReadConsistency, reply: FastifyReply): ReadConsistency => ({
  ...consistency,
  signal: consistency.signal ?? clientDisconnect(reply.raw),
});

/** Finding services and instances. */
@ApiTags('Discovery')
@Controller('api/v1/discovery')
export class DiscoveryController {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly past: PastDiscovery,
    private readonly guards: GuardNoticeSlot,
    private readonly parsed: ParsedRequestCache,
    private readonly places: RequestPlaces,
  ) {}

  @Endpoint({
    status: 200,
    response: namespaceList,
    responseHeaders: CATALOG_HEADERS,
    otherSuccesses: [NOT_MODIFIED],
    summary: 'List namespaces',
    description: 'The namespaces that have instances.',
    work: 'hot',
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
    sendFound(reply, ifNoneMatch, await this.discovery.listNamespaces(toConsistency(query, reply.raw)));
  }

  @Endpoint({
    status: 200,
    response: serviceList,
    responseHeaders: PAST_HEADERS,
    otherSuccesses: [PAST_NOT_MODIFIED],
    summary: 'List services',
    description:
      'The services of a namespace that have instances, each with a summary of its instances. With filters, only the instances that they select count; `status` defaults to `any`. It comes from memory; with `asOf`, from the log.',
    work: 'hot',
    operationId: 'listServices',
    requestHeaders: ['If-None-Match'],
    problems: ['INVALID_FILTER', 'OVERLOADED', 'STARTING', ...WAITING_PROBLEMS, ...PAST_PROBLEMS],
    examples: { parameters: { namespace: 'default' }, response: SERVICES_EXAMPLE },
  })
  @Get('services')
  async services(
    @Query({ schema: servicesAtQuery }) query: ServicesAtQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { namespace, asOf } = query;
    const consistency = toConsistency(query, reply.raw);
    const selection = toSelection(query, 'any');
    if (asOf) {
      await this.places.enter('database');
      return sendPast(reply, await this.past.listServices(asOf, namespace, selection, hasTag(ifNoneMatch)));
    }
    const found = await this.discovery.listServices(namespace, selection, untilGone(consistency, reply));
    sendFound(reply, ifNoneMatch, found);
  }

  @Endpoint({
    status: 200,
    response: serviceInstances,
    responseHeaders: [...PAST_HEADERS, 'X-Liveness-Guard'],
    otherSuccesses: [{ ...PAST_NOT_MODIFIED, responseHeaders: [...PAST_HEADERS, 'X-Liveness-Guard'] }],
    summary: 'List the instances of a service',
    description:
      'The instances that the filters select; `status` defaults to `healthy,degraded`, but to `any` on the watch, the search and the diff: set it on both to watch what was listed. The ETag changes with every change of the service, and is the same on all nodes. An unknown service has no instances; that is not an error. With `limit`, the list comes in pages, all of which show the service as it was for the first one; later pages come from memory, or from the log once the service has changed. With `asOf`, the response equals, byte for byte, the response at that time, apart from the revision of a service without instances that had been dropped by then.',
    work: 'hot',
    operationId: 'listServiceInstances',
    requestHeaders: ['If-None-Match'],
    problems: ['INVALID_FILTER', 'INVALID_CURSOR', 'OVERLOADED', 'STARTING', ...WAITING_PROBLEMS, ...PAST_PROBLEMS],
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
    const consistency = toConsistency(query, reply.raw);
    const listQuery = { namespace, service, selection: toSelection(query, USABLE), part: toPart(query) };
    const position = toPosition(listQuery, cursor);
    if (asOf) {
      const { selection, part } = listQuery;
      await this.places.enter('database');
      const found = await this.past.listInstances(asOf, listQuery, selection, hasTag(ifNoneMatch), { part, position });
      return sendPast(reply, found);
    }
    if (position) return await this.laterPage(reply, ifNoneMatch, listQuery, position);
    const found = await this.discovery.listInstances(listQuery, consistency);
    if (consistency === EVENTUAL) this.parsed.remember(reply.request, listQuery);
    setGuardHeader(reply, this.guards.of(namespace, service));
    sendFound(reply, ifNoneMatch, found);
  }

  @Endpoint({
    status: 200,
    response: instancePage,
    responseHeaders: PAST_HEADERS,
    otherSuccesses: [PAST_NOT_MODIFIED],
    summary: 'Search instances',
    description:
      'Searches the whole catalog in memory; `status` defaults to `any`. Each page shows the catalog at one revision. The pages neither miss nor repeat an instance that keeps its place in the order meanwhile. A page ends at 4 MiB, too, even if it has fewer instances than `limit`. With `asOf`, all pages show one revision; use the same `asOf` for each page.',
    work: 'hot',
    comesInBursts: true,
    operationId: 'searchInstances',
    requestHeaders: ['If-None-Match'],
    problems: ['INVALID_FILTER', 'INVALID_CURSOR', 'OVERLOADED', 'STARTING', ...WAITING_PROBLEMS, ...PAST_PROBLEMS],
    examples: { parameters: SEARCH_PARAMETERS_EXAMPLE, response: SEARCH_EXAMPLE },
  })
  @Get('instances')
  async search(
    @Query({ schema: searchAtQuery }) query: SearchAtQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const consistency = toConsistency(query, reply.raw);
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
    if (asOf) {
      await this.places.enter('database');
      return sendPast(reply, await this.past.searchInstances(asOf, search, hasTag(ifNoneMatch)));
    }
    // A page of a search may change with every change of the catalog.
    const tagOf = ({ epoch, revision }: CatalogVersion) => revisionTag(epoch, revision, variantOfFields(fields));
    const isKnown = (catalog: CatalogVersion) => matchesNone(ifNoneMatch, tagOf(catalog));
    const { catalog, body } = await this.discovery.searchInstances(search, isKnown, untilGone(consistency, reply));
    setCatalogHeaders(reply, catalog, tagOf(catalog));
    sendJson(reply, body);
  }

  /** From memory while the service is still as the first page showed it, else from the log. The response is the same. */
  private async laterPage(
    reply: FastifyReply,
    ifNoneMatch: IfNoneMatch,
    query: ListQuery,
    position: ListPosition,
  ): Promise<void> {
    const found = await this.discovery.laterPage(query, position);
    setGuardHeader(reply, this.guards.of(query.namespace, query.service));
    if (found) return sendImmutable(reply, ifNoneMatch, found);
    await this.places.enter('database');
    sendPast(reply, await this.past.laterPage(query, position, hasTag(ifNoneMatch)));
  }
}
