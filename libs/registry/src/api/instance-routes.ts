import { type JsonObject } from '@coordination/kernel';
import { Body, Delete, Get, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import {
  Endpoint,
  type IfMatch,
  IfMatchHeader,
  JSON_MEDIA_TYPE,
  MERGE_PATCH_MEDIA_TYPE,
  setPosition,
} from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { LEASED_EXAMPLE, OVERRIDE_EXAMPLE, PATCH_EXAMPLE, REPORT_EXAMPLE } from '@coordination/catalog';
import {
  answerRead,
  answerWritten,
  CHANGE_PROBLEMS,
  INSTANCE_SUCCESS,
  NO_CONTENT_SUCCESS,
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
import { type RegistryReads } from '../registry-reads.service.js';
import { type RegistryService } from '../registry.service.js';
import { type InstanceNaming } from './instance-naming.js';

/** The routes of one instance. They are the same by id and by name. */
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
    constructor(
      protected readonly registry: RegistryService,
      private readonly reads: RegistryReads,
    ) {}

    @Endpoint({
      ...INSTANCE_SUCCESS,
      summary: `Read an instance${by}`,
      description: 'Returns one instance with its lease, as stored in the database.',
      work: 'hot',
      operationId: `getInstance${suffix}`,
      problems: ['INSTANCE_NOT_FOUND', 'OVERLOADED', 'STORE_UNAVAILABLE'],
      examples: { parameters: example, response: LEASED_EXAMPLE },
    })
    @Get()
    async get(
      @Param({ schema: params }) path: P,
      @Query({ schema: query }) asked: Q,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      return answerRead(reply, await this.reads.getOrFail(target(path, asked)));
    }

    @Endpoint({
      ...INSTANCE_SUCCESS,
      summary: `Change an instance${by}`,
      description:
        'JSON merge patch (RFC 7396) of the fields that the caller may set. The incarnation cannot be patched.',
      work: 'write',
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
      description: 'Removes the instance at once. Its history stays in the audit log.',
      work: 'write',
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
        'The first failure makes the instance degraded, the third unhealthy (or the number in the `failureThreshold` of its check). One success makes it healthy.',
      work: 'write',
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
        'Operator override of the health-derived status, until it is cleared, `until` passes, or, with the scope `incarnation`, the next process registers under the name.',
      work: 'write',
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
      summary: `Clear the override of an instance${by}`,
      description: 'The status is derived from health again. Without an override, nothing happens.',
      work: 'write',
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
