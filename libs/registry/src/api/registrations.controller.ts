import { Body, Controller, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  Endpoint,
  type IfMatch,
  IfMatchHeader,
  type IfNoneMatch,
  IfNoneMatchHeader,
  JSON_MEDIA_TYPE,
  LARGE_BODY_LIMIT_BYTES,
  POSITION_HEADERS,
  RequestPlaces,
  setPosition,
} from '@coordination/http';
import { currentRequest } from '@coordination/context';
import { Scheduler } from '@coordination/scheduling';
import { type FastifyReply } from 'fastify';
import { BATCH_EXAMPLE, BULK_EXAMPLE_ID, LEASED_EXAMPLE, REGISTER_EXAMPLE } from '@coordination/catalog';
import {
  answerWritten,
  CREATED_SUCCESS,
  INSTANCE_SUCCESS,
  REGISTER_PROBLEMS,
  WRITE_PROBLEMS,
} from './instance-response.js';
import { batchResultJson } from './batch-response.js';
import { mustBeNew, registerCommand } from '../requests/registration.js';
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
import { type RegisterCommand } from '../domain/commands.js';
import { RegistryService } from '../registry.service.js';
import { idsWithOutcome } from '../requests/write-request.js';

/** Routes that register one or many instances, or deregister many. */
@ApiTags('Registry')
@Controller('api/v1/registry')
export class RegistrationsController {
  constructor(
    private readonly registry: RegistryService,
    private readonly scheduler: Scheduler,
    private readonly places: RequestPlaces,
  ) {}

  @Endpoint({
    ...INSTANCE_SUCCESS,
    responseDescription: 'The instance existed. Its record is replaced, or unchanged.',
    otherSuccesses: [CREATED_SUCCESS],
    summary: 'Register an instance',
    description:
      'Registers an instance, or replaces its record; `id` and `registeredAt` stay. Health is reset only if the endpoint or the check changed, or the `incarnation` is another one: then another process has started, and overrides of the previous one end. A registration that changes nothing renews the lease and takes no revision. Safe to repeat.',
    work: 'write',
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
    responseHeaders: POSITION_HEADERS,
    summary: 'Register many instances, all or none',
    description: 'One transaction for 1 to 1,000 instances. If one of them is rejected, none is registered.',
    work: 'write',
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
    const turn = this.scheduler.begin({ workClass: 'write', client: currentRequest()?.clientAddress });
    const commands: RegisterCommand[] = [];
    for (const [n, body] of instances.entries()) {
      await turn.step();
      commands.push(registerCommand(body, namespace, {}, `/instances/${n}`));
    }
    this.places.leave();
    const result = await turn.waitFor(this.registry.registerBatch(commands));
    setPosition(reply, result);
    void reply.type(`${JSON_MEDIA_TYPE}; charset=utf-8`);
    const json = await batchResultJson(result, turn);
    turn.end();
    return json;
  }

  @Endpoint({
    status: 200,
    response: deregistrationResult,
    responseHeaders: POSITION_HEADERS,
    summary: 'Deregister many instances',
    description:
      'One transaction for up to 1,000 instances. Instances that are not registered, or that another incarnation runs than the request names, are listed in the response; they are no error.',
    work: 'write',
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
    this.places.leave();
    const result = await this.registry.deregisterMany(named);
    setPosition(reply, result);
    const incarnationEnded = idsWithOutcome(named, result, 'ended');
    return {
      deregistered: idsWithOutcome(named, result, 'deregistered').length,
      notFound: idsWithOutcome(named, result, 'absent'),
      ...(incarnationEnded.length > 0 && { incarnationEnded }),
    };
  }
}
