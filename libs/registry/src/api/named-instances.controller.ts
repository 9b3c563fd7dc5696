import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, type IfMatch, IfMatchHeader, type IfNoneMatch, IfNoneMatchHeader } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { LEASED_EXAMPLE, REPLACE_EXAMPLE } from '@coordination/catalog';
import { answerWritten, CREATED_SUCCESS, INSTANCE_SUCCESS, REGISTER_PROBLEMS } from './instance-response.js';
import { BY_NAME } from './instance-naming.js';
import { instanceRoutes } from './instance-routes.js';
import { agreed, mustBeNew, registerCommand } from '../requests/registration.js';
import {
  type NameParams,
  nameParams,
  type NamespaceQuery,
  namespaceQuery,
  type ReplaceInstance,
  replaceInstance,
} from '../requests/registry.schemas.js';
import { RegistryReads } from '../registry-reads.service.js';
import { RegistryService } from '../registry.service.js';

/** Routes of one instance, by the caller's own name for it. */
@ApiTags('Registry')
@Controller('api/v1/registry/services/:service/instances/:instanceId')
export class NamedInstancesController extends instanceRoutes(BY_NAME) {
  constructor(registry: RegistryService, reads: RegistryReads) {
    super(registry, reads);
  }

  @Endpoint({
    ...INSTANCE_SUCCESS,
    responseDescription: 'The instance existed. Its record is replaced, or unchanged.',
    otherSuccesses: [CREATED_SUCCESS],
    summary: 'Register or replace an instance by its own name',
    description: 'Like registering, with the name in the path. Safe to repeat.',
    work: 'write',
    operationId: 'registerInstanceByName',
    requestHeaders: ['If-None-Match', 'If-Match', 'X-Change-Reason'],
    problems: [...REGISTER_PROBLEMS],
    examples: { parameters: BY_NAME.example, body: REPLACE_EXAMPLE, response: LEASED_EXAMPLE },
  })
  @Put()
  async register(
    @Param({ schema: nameParams }) name: NameParams,
    @Query({ schema: namespaceQuery }) { namespace }: NamespaceQuery,
    @Body({ schema: replaceInstance }) body: ReplaceInstance,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @IfMatchHeader() ifMatch: IfMatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    agreed(body.service, name.service, '/service');
    agreed(body.instanceId, name.instanceId, '/instanceId');
    const conditions = { mustBeNew: mustBeNew(ifNoneMatch), ifMatch };
    return answerWritten(
      reply,
      await this.registry.register(registerCommand({ ...body, ...name }, namespace, conditions)),
    );
  }
}
