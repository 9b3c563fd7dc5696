import { Body, Controller, Param, Put, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, type IfMatch, IfMatchHeader } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { LEASED_EXAMPLE, REPLACE_EXAMPLE } from '@coordination/catalog';
import { answerWritten, CHANGE_PROBLEMS, INSTANCE_SUCCESS } from './instance-response.js';
import { BY_ID } from './instance-naming.js';
import { instanceRoutes } from './instance-routes.js';
import { type IdParams, idParams, type ReplaceInstance, replaceInstance } from '../requests/registry.schemas.js';
import { RegistryService } from '../registry.service.js';

/** One instance, by the server's id. */
@ApiTags('Registry')
@Controller('api/v1/registry/instances/:id')
export class InstancesController extends instanceRoutes(BY_ID) {
  constructor(registry: RegistryService) {
    super(registry);
  }

  @Endpoint({
    ...INSTANCE_SUCCESS,
    summary: 'Replace an instance',
    description: 'Replaces everything that the caller may set; what is left out goes back to its default.',
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
