import { Body, Delete, Get, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { Endpoint, type IfMatch, IfMatchHeader, JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { type z } from 'zod';
import {
  type JsonObject,
  LEASED_EXAMPLE,
  OVERRIDE_EXAMPLE,
  PATCH_EXAMPLE,
  REPORT_EXAMPLE,
} from '@coordination/catalog';
import { type Target } from '../domain/commands.js';
import {
  answerRead,
  answerWritten,
  CHANGE_PROBLEMS,
  INSTANCE_SUCCESS,
  NO_CONTENT_SUCCESS,
  setPosition,
} from './instance-response.js';
import {
  type IncarnationQuery,
  type PatchInstance,
  patchInstance,
  type ReportHealth,
  reportHealth,
  type SetOverride,
  setOverride,
} from '../requests/registry.schemas.js';
import { type RegistryService } from '../registry.service.js';

/** How routes name the instance that they are about. */
export interface InstanceNaming<P, Q> {
  readonly params: z.ZodType<P>;
  readonly query: z.ZodType<Q>;
  /** The query of calls that a process makes for itself, which may name its incarnation. */
  readonly callerQuery: z.ZodType<Q & IncarnationQuery>;
  readonly target: (params: P, query: Q) => Target;
  /** Added to operation ids, which must be unique, and to summaries. */
  readonly suffix: string;
  readonly by: string;
  /** Path parameters of the examples, and of the one that deregisters. */
  readonly example: Readonly<Record<string, string>>;
  readonly spareExample: Readonly<Record<string, string>>;
}

/** The routes of one instance, which are the same whether it is named by id or by its own name. */
export function instanceRoutes<P, Q>({
  params,
  query,
  callerQuery,
  target,
  suffix,
  by,
  example,
  spareExample,
}: InstanceNaming<P, Q>) {
  class InstanceRoutes {
    constructor(protected readonly registry: RegistryService) {}

    @Endpoint({
      ...INSTANCE_SUCCESS,
      summary: `Read an instance${by}`,
      description: 'One instance with its signs of life, as the database has it.',
      operationId: `getInstance${suffix}`,
      problems: ['INSTANCE_NOT_FOUND', 'STORE_UNAVAILABLE'],
      examples: { parameters: example, response: LEASED_EXAMPLE },
    })
    @Get()
    async get(
      @Param({ schema: params }) path: P,
      @Query({ schema: query }) asked: Q,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      return answerRead(reply, await this.registry.getOrFail(target(path, asked)));
    }

    @Endpoint({
      ...INSTANCE_SUCCESS,
      summary: `Change an instance${by}`,
      description: 'JSON merge patch (RFC 7396) of what the caller may set; its incarnation is not among it.',
      operationId: `patchInstance${suffix}`,
      requestHeaders: ['If-Match', 'X-Change-Reason'],
      consumes: [MERGE_PATCH_MEDIA_TYPE, JSON_MEDIA_TYPE],
      problems: [...CHANGE_PROBLEMS],
      examples: { parameters: example, body: PATCH_EXAMPLE, response: LEASED_EXAMPLE },
    })
    @Patch()
    async patch(
      @Param({ schema: params }) path: P,
      @Query({ schema: callerQuery }) asked: Q & IncarnationQuery,
      @Body({ schema: patchInstance }) body: PatchInstance,
      @IfMatchHeader() ifMatch: IfMatch,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      return answerWritten(
        reply,
        await this.registry.patch(target(path, asked), body as JsonObject, { ifMatch, incarnation: asked.incarnation }),
      );
    }

    @Endpoint({
      ...NO_CONTENT_SUCCESS,
      summary: `Deregister an instance${by}`,
      description: 'The instance is gone at once. Its history stays in the audit log.',
      operationId: `deregisterInstance${suffix}`,
      requestHeaders: ['If-Match', 'X-Change-Reason'],
      problems: [...CHANGE_PROBLEMS],
      examples: { parameters: spareExample },
    })
    @Delete()
    async deregister(
      @Param({ schema: params }) path: P,
      @Query({ schema: callerQuery }) asked: Q & IncarnationQuery,
      @IfMatchHeader() ifMatch: IfMatch,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<void> {
      setPosition(
        reply,
        await this.registry.deregister(target(path, asked), { ifMatch, incarnation: asked.incarnation }),
      );
    }

    @Endpoint({
      ...INSTANCE_SUCCESS,
      summary: `Report the health of an instance${by}`,
      description:
        'The first failure makes it degraded, the third unhealthy (or what its check’s failureThreshold says); one success heals.',
      operationId: `reportHealth${suffix}`,
      requestHeaders: ['If-Match', 'X-Change-Reason'],
      problems: [...CHANGE_PROBLEMS],
      examples: { parameters: example, body: REPORT_EXAMPLE, response: LEASED_EXAMPLE },
    })
    @Post('health-reports')
    async reportHealth(
      @Param({ schema: params }) path: P,
      @Query({ schema: callerQuery }) asked: Q & IncarnationQuery,
      @Body({ schema: reportHealth }) body: ReportHealth,
      @IfMatchHeader() ifMatch: IfMatch,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      return answerWritten(
        reply,
        await this.registry.reportHealth(target(path, asked), body, { ifMatch, incarnation: asked.incarnation }),
      );
    }

    @Endpoint({
      ...INSTANCE_SUCCESS,
      summary: `Override the status of an instance${by}`,
      description:
        'A status that counts instead of health, until it is taken back, `until` passes, or, with the scope `incarnation`, the next process registers under the name.',
      operationId: `setOverride${suffix}`,
      requestHeaders: ['If-Match', 'X-Change-Reason'],
      problems: [...CHANGE_PROBLEMS],
      examples: { parameters: example, body: OVERRIDE_EXAMPLE, response: LEASED_EXAMPLE },
    })
    @Put('override')
    async setOverride(
      @Param({ schema: params }) path: P,
      @Query({ schema: callerQuery }) asked: Q & IncarnationQuery,
      @Body({ schema: setOverride }) body: SetOverride,
      @IfMatchHeader() ifMatch: IfMatch,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      return answerWritten(
        reply,
        await this.registry.setOverride(target(path, asked), body, { ifMatch, incarnation: asked.incarnation }),
      );
    }

    @Endpoint({
      ...INSTANCE_SUCCESS,
      summary: `Take an override back${by}`,
      description: 'The status is what health says again. Without an override nothing happens.',
      operationId: `clearOverride${suffix}`,
      requestHeaders: ['If-Match', 'X-Change-Reason'],
      problems: [...CHANGE_PROBLEMS],
      examples: { parameters: example, response: LEASED_EXAMPLE },
    })
    @Delete('override')
    async clearOverride(
      @Param({ schema: params }) path: P,
      @Query({ schema: callerQuery }) asked: Q & IncarnationQuery,
      @IfMatchHeader() ifMatch: IfMatch,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      return answerWritten(
        reply,
        await this.registry.clearOverride(target(path, asked), { ifMatch, incarnation: asked.incarnation }),
      );
    }
  }
  return InstanceRoutes;
}
