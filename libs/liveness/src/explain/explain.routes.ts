import { Get, Param, Query, Res } from '@nestjs/common';
import { Endpoint, POSITION_HEADERS, setPosition } from '@coordination/http';
import { type InstanceNaming } from '@coordination/registry';
import { type FastifyReply } from 'fastify';
import { EXPLANATION_EXAMPLE } from './explain.examples.js';
import { explanationView } from './explain.schemas.js';
import { type InstanceExplainer } from './instance-explainer.service.js';

/** The explanation of one instance. It is the same by id and by name. */
export function explainRoutes<P, Q>({ params, query, target, suffix, by, example }: InstanceNaming<P, Q>) {
  class ExplainRoutes {
    constructor(private readonly explainer: InstanceExplainer) {}

    @Endpoint({
      status: 200,
      response: explanationView,
      responseHeaders: [...POSITION_HEADERS, 'Cache-Control'],
      summary: `Explain the status of an instance${by}`,
      description:
        'Why the instance has its status, since when, who or what decided it, which timers run, and what happens next without further health signals. An instance that was deregistered has the status `gone`, and `removal` has who removed it, when and why, as long as the audit log retains the event. If several instances had a name one after another, the present one is explained, or the last one. Read from the database; for people, and for alarms that report more than “unhealthy”.',
      work: 'heavy',
      operationId: `explainInstance${suffix}`,
      problems: ['INSTANCE_NOT_FOUND', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
      examples: { parameters: example, response: EXPLANATION_EXAMPLE },
    })
    @Get('explain')
    async explain(
      @Param({ schema: params }) path: P,
      @Query({ schema: query }) asked: Q,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      const { explanation, head } = await this.explainer.explainOrFail(target(path, asked));
      setPosition(reply, head);
      void reply.header('cache-control', 'no-store');
      return explanation;
    }
  }
  return ExplainRoutes;
}
