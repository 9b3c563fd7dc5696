import { Body, Controller, Param, Put, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, type IfMatch, IfMatchHeader } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { LEASED_EXAMPLE, REPLACE_EXAMPLE } from '@coordination/catalog';
import { answerWritten, CHANGE_PROBLEMS, INSTANCE_SUCCESS } from './instance-response.js';
import { BY_ID } from './instance-naming.js';
import { instanceRoutes } from './instance-routes.js';
import { type IdParams, idParams, type ReplaceInstance, replaceInstance } from '../requests/registry.schemas.js';
import { RegistryReads } from '../registry-reads.service.js';
import { RegistryService } from '../registry.service.js';

/** Routes of one instance, by the id of the server. */
@ApiTags('Registry')
@Controller('api/v1/registry/instances/:id')
export class InstancesController extends instanceRoutes(BY_ID) {
  constructor(registry: RegistryService, reads: RegistryReads) {
    super(registry, reads);
  }

  @Endpoint({
    ...INSTANCE_SUCCESS,
    summary: 'Replace an instance',
    description: 'Replaces all fields that the caller may set. Fields that are left out are reset to their defaults.',
    work: 'write',
    operationId: 'replaceInstance',
    requestHeaders: ['If-Match', 'X-Change-Reason'],
    problems: [...CHANGE_PROBLEMS],
    examples: { parameters: BY_ID.example, body: REPLACE_EXAMPLE, response: LEASED_EXAMPLE },
  })
  @Put()
  async replace(
    @Param({ schema: idParams }) target: IdParams,
    @Body({ schema: replaceInstance }) body: ReplaceInstance,
    @IfMatchHeader() ifMatch: IfMatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerWritten(reply, await this.registry.replace(target, body, ifMatch));
  }
}
