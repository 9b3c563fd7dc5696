import { Body, Controller, Delete, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, POSITION_HEADERS, setPosition, type SuccessOptions } from '@coordination/http';
import { type ErrorCode } from '@coordination/kernel';
import { WRITE_PROBLEMS } from '@coordination/registry';
import { type FastifyReply } from 'fastify';
import {
  MANY_CHANGED_EXAMPLE,
  MANY_CLEARED_EXAMPLE,
  OVERRIDE_MANY_EXAMPLE,
  SELECTOR_EXAMPLE,
} from './overrides.examples.js';
import {
  MAX_NAMED,
  type OverrideMany,
  overrideMany,
  overridesResult,
  type Selector,
  selectorQuery,
} from './overrides.schemas.js';
import { type OverridesChanged, OverridesService } from './overrides.service.js';

const SUCCESS = {
  status: 200,
  response: overridesResult,
  responseHeaders: POSITION_HEADERS,
} as const satisfies SuccessOptions;

const PROBLEMS = ['INVALID_FILTER', ...WRITE_PROBLEMS, 'STARTING', 'STALE_VIEW'] as const satisfies ErrorCode[];

/** Overrides of all instances that match a selector: of a service, a host, a zone. */
@ApiTags('Registry')
@Controller('api/v1/registry/overrides')
export class OverridesController {
  constructor(private readonly overrides: OverridesService) {}

  @Endpoint({
    ...SUCCESS,
    summary: 'Override the status of all instances that match a selector',
    description:
      'One transaction for up to 2,000 instances, all or none. It covers the instances that match when the request comes; one that changes meanwhile is matched again when the transaction decides, and instances that are registered later do not get the override. A selector without any condition is refused, unless `all` is true. Safe to repeat.',
    work: 'write',
    operationId: 'setOverrides',
    requestHeaders: ['X-Change-Reason'],
    problems: [...PROBLEMS],
    examples: { body: OVERRIDE_MANY_EXAMPLE, response: MANY_CHANGED_EXAMPLE },
  })
  @Put()
  async set(@Body({ schema: overrideMany }) body: OverrideMany, @Res({ passthrough: true }) reply: FastifyReply) {
    const { selector, ...override } = body;
    return respond(reply, await this.overrides.set(selector, override, '/selector'));
  }

  @Endpoint({
    ...SUCCESS,
    summary: 'Clear the overrides of all instances that match a selector',
    description:
      'The selector of the PUT, as query parameters. Instances without an override stay as they are. One transaction for up to 2,000 overrides, all or none.',
    work: 'write',
    operationId: 'clearOverrides',
    requestHeaders: ['X-Change-Reason'],
    problems: [...PROBLEMS],
    examples: { parameters: SELECTOR_EXAMPLE, response: MANY_CLEARED_EXAMPLE },
  })
  @Delete()
  async clear(@Query({ schema: selectorQuery }) selector: Selector, @Res({ passthrough: true }) reply: FastifyReply) {
    return respond(reply, await this.overrides.clear(selector, '/query'));
  }
}

function respond(reply: FastifyReply, { matched, changed, revision, epoch }: OverridesChanged) {
  setPosition(reply, { revision, epoch });
  const instances = changed.slice(0, MAX_NAMED).map(({ id, namespace, service, instanceId, status, version }) => ({
    id,
    namespace,
    service,
    instanceId,
    status,
    version,
  }));
  return { revision, matched, changed: changed.length, unchanged: matched - changed.length, instances };
}
