import { applyDecorators } from '@nestjs/common';
import { ApiIncludeEndpoint, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { HealthCheck } from '@nestjs/terminus';
import { describedHeaders, OwnErrorBody, PossibleProblems, Work } from '@coordination/http';
import { healthReport } from './health.schemas.js';

const UNAVAILABLE = 503;

const Report = (status: number, description: string) =>
  ApiResponse({ status, description, headers: describedHeaders(['Cache-Control']), standardSchema: healthReport });

/** An operation that responds with a health report of Terminus, which monitors read, also when something is wrong. */
export const Probe = (operationId: string, summary: string, description: string): MethodDecorator =>
  applyDecorators(
    ApiIncludeEndpoint(),
    ApiOperation({ operationId, summary, description }),
    PossibleProblems(),
    Report(200, 'All parts are up or degraded.'),
    Report(UNAVAILABLE, 'A part is down.'),
    OwnErrorBody(UNAVAILABLE),
    Work('liveness'),
    HealthCheck({ noCache: true, swaggerDocumentation: false }),
  );
