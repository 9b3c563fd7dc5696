import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, POSITION_HEADERS, setPosition, type SuccessOptions } from '@coordination/http';
import {
  BY_ID,
  BY_NAME,
  type IdParams,
  type NameParams,
  type NamespaceQuery,
  type Target,
} from '@coordination/registry';
import { type ErrorCode } from '@coordination/kernel';
import { type FastifyReply } from 'fastify';
import { EXPLANATION_EXAMPLE } from './explain.examples.js';
import { explanationView } from './explain.schemas.js';
import { InstanceExplainer } from './instance-explainer.service.js';

const SUCCESS = {
  status: 200,
  response: explanationView,
  responseHeaders: [...POSITION_HEADERS, 'Cache-Control'],
} as const satisfies SuccessOptions;

const DESCRIPTION =
  'Why the instance has its status, since when, who or what decided it, which timers run, and what happens next without further health signals. An instance that was deregistered has the status `gone`, and `removal` has who removed it, when and why, as long as the audit log retains the event. Read from the database; for people, and for alarms that report more than “unhealthy”.';

const PROBLEMS = ['INSTANCE_NOT_FOUND', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'] as const satisfies ErrorCode[];

/** Explanations of the status of instances. */
@ApiTags('Registry')
@Controller('api/v1/registry')
export class ExplainController {
  constructor(private readonly explainer: InstanceExplainer) {}

  @Endpoint({
    ...SUCCESS,
    summary: 'Explain the status of an instance',
    description: DESCRIPTION,
    operationId: 'explainInstance',
    problems: [...PROBLEMS],
    examples: { parameters: BY_ID.example, response: EXPLANATION_EXAMPLE },
  })
  @Get('instances/:id/explain')
  async explain(@Param({ schema: BY_ID.params }) params: IdParams, @Res({ passthrough: true }) reply: FastifyReply) {
    return await this.answer(params, reply);
  }

  @Endpoint({
    ...SUCCESS,
    summary: 'Explain the status of an instance by its own name',
    description: `${DESCRIPTION} If several instances had the name one after another, the present one is explained, or the last one.`,
    operationId: 'explainInstanceByName',
    problems: [...PROBLEMS],
    examples: { parameters: BY_NAME.example, response: EXPLANATION_EXAMPLE },
  })
  @Get('services/:service/instances/:instanceId/explain')
  async explainByName(
    @Param({ schema: BY_NAME.params }) name: NameParams,
    @Query({ schema: BY_NAME.query }) query: NamespaceQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return await this.answer(BY_NAME.target(name, query), reply);
  }

  private async answer(target: Target, reply: FastifyReply) {
    const { explanation, head } = await this.explainer.explainOrFail(target);
    setPosition(reply, head);
    void reply.header('cache-control', 'no-store');
    return explanation;
  }
}
