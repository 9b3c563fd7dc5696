import { Body, Controller, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  Endpoint,
  type IfMatch,
  IfMatchHeader,
  type IfNoneMatch,
  IfNoneMatchHeader,
  LARGE_BODY_LIMIT_BYTES,
} from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { BATCH_EXAMPLE, BULK_EXAMPLE_ID, LEASED_EXAMPLE, REGISTER_EXAMPLE } from '@coordination/catalog';
import {
  answerWritten,
  CREATED_SUCCESS,
  INSTANCE_SUCCESS,
  POSITIONED,
  REGISTER_PROBLEMS,
  setPosition,
  toLeasedView,
  WRITE_PROBLEMS,
} from './instance-response.js';
import { mustBeNew, refuseRepetition, registerCommand } from '../requests/registration.js';
import {
  type DeregisterInstances,
  deregisterInstances,
  deregistrationResult,
  toNamedInstances,
} from '../requests/named-instances.schemas.js';
import {
  batchResult,
  type NamespaceQuery,
  namespaceQuery,
  type RegisterBatch,
  registerBatch,
  type RegisterInstance,
  registerInstance,
} from '../requests/registry.schemas.js';
import { RegistryService } from '../registry.service.js';
import { type CommandResult } from '../requests/write-request.js';

/** Registering, one or many; deregistering many. */
@ApiTags('Registry')
@Controller('api/v1/registry')
export class RegistrationsController {
  constructor(private readonly registry: RegistryService) {}

  @Endpoint({
    ...INSTANCE_SUCCESS,
    responseDescription: 'The identity existed: its record is replaced, or nothing new was said.',
    otherSuccesses: [CREATED_SUCCESS],
    summary: 'Register an instance',
    description:
      'Makes an instance known, or replaces what is known of it; `id` and `registeredAt` stay. Health starts over only if the endpoint or the check changed, or another `incarnation` is named: then another process has started, and overrides of the one before end. A registration that says nothing new renews the lease and costs no revision. Safe to repeat.',
    operationId: 'registerInstance',
    requestHeaders: ['If-None-Match', 'If-Match', 'X-Change-Reason'],
    problems: [...REGISTER_PROBLEMS],
    examples: { body: REGISTER_EXAMPLE, response: LEASED_EXAMPLE },
  })
  @Post('instances')
  async register(
    @Body({ schema: registerInstance }) body: RegisterInstance,
    @Query({ schema: namespaceQuery }) { namespace }: NamespaceQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @IfMatchHeader() ifMatch: IfMatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const command = registerCommand(body, namespace, { mustBeNew: mustBeNew(ifNoneMatch), ifMatch });
    return answerWritten(reply, await this.registry.register(command));
  }

  @Endpoint({
    status: 200,
    response: batchResult,
    responseHeaders: POSITIONED,
    summary: 'Register many instances, all or none',
    description: 'One transaction for 1 to 1,000 instances. One bad instance, and none is registered.',
    operationId: 'registerInstances',
    requestHeaders: ['X-Change-Reason'],
    bodyLimitBytes: LARGE_BODY_LIMIT_BYTES,
    problems: [...WRITE_PROBLEMS],
    examples: {
      body: BATCH_EXAMPLE,
      response: { revision: 1842, results: [{ outcome: 'created', instance: LEASED_EXAMPLE }] },
    },
  })
  @Post('instances/batch')
  async registerBatch(
    @Body({ schema: registerBatch }) { instances }: RegisterBatch,
    @Query({ schema: namespaceQuery }) { namespace }: NamespaceQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const commands = instances.map((body, n) => registerCommand(body, namespace, {}, `/instances/${n}`));
    refuseRepetition(commands);
    const result = await this.registry.registerBatch(commands);
    setPosition(reply, result);
    return {
      revision: result.revision,
      results: result.results.map(({ outcome, leased }) => ({ outcome, instance: leased && toLeasedView(leased) })),
    };
  }

  @Endpoint({
    status: 200,
    response: deregistrationResult,
    responseHeaders: POSITIONED,
    summary: 'Deregister many instances',
    description:
      'One transaction for up to 1,000 instances. Those that are not registered, or are run by another incarnation than the request names, are told, and are no error.',
    operationId: 'deregisterInstances',
    requestHeaders: ['X-Change-Reason'],
    bodyLimitBytes: LARGE_BODY_LIMIT_BYTES,
    problems: [...WRITE_PROBLEMS],
    examples: { body: { ids: [BULK_EXAMPLE_ID] }, response: { deregistered: 1, notFound: [] } },
  })
  @Post('deregistrations')
  async deregister(
    @Body({ schema: deregisterInstances }) body: DeregisterInstances,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const named = toNamedInstances(body);
    const result = await this.registry.deregisterMany(named);
    setPosition(reply, result);
    const idsOf = (outcome: CommandResult['outcome']) =>
      named.filter((_, n) => result.results[n]?.outcome === outcome).map(({ id }) => id);
    const [notFound, incarnationEnded] = [idsOf('absent'), idsOf('ended')];
    return {
      deregistered: idsOf('deregistered').length,
      notFound,
      ...(incarnationEnded.length > 0 && { incarnationEnded }),
    };
  }
}
