import { Controller, Get, Header } from '@nestjs/common';
import { ApiIncludeEndpoint, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { describedHeaders, PossibleProblems, Work } from '@coordination/http';
import { Registry } from 'prom-client';
import { MetricsText } from './metrics-text.js';

@ApiTags('Operations')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsText) {}

  @Get()
  @ApiIncludeEndpoint()
  @ApiOperation({
    operationId: 'getMetrics',
    summary: 'Get the metrics for Prometheus',
    description: 'The metrics of this node, for a scrape every few seconds.',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({
    description: 'The text format of Prometheus.',
    headers: describedHeaders(),
    schema: { type: 'string' },
  })
  @PossibleProblems()
  @Work('liveness')
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  read(): Promise<string> {
    return this.metrics.read();
  }
}
