import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HealthCheckService } from '@nestjs/terminus';
import { CatalogIndicator } from './catalog.indicator.js';
import { DatabaseIndicator } from './database.indicator.js';
import { Drain } from './drain.js';
import { Probe } from './probe.decorator.js';

/** The probes of this node. Unlike the API they accept any query: probes are configured once, and must not break. */
@ApiTags('Operations')
@Controller('health')
export class ProbesController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly catalog: CatalogIndicator,
    private readonly database: DatabaseIndicator,
    private readonly drain: Drain,
  ) {}

  @Probe(
    'getLiveness',
    'Get the liveness of the node',
    'The process runs and responds. Nothing else is checked, because a restart would not correct other failures.',
  )
  @Get('live')
  live() {
    return { status: 'ok', info: {}, error: {}, details: {} };
  }

  @Probe(
    'getReadiness',
    'Get the readiness of the node',
    'The view of the catalog is loaded and no staler than allowed. 503 while the node shuts down. `log` is `degraded`, at 200, while the log is about to run out of partitions. Failures that all nodes share (of the database, of its privileges) make no node unready after its first load, until the view is too old.',
  )
  @Get('ready')
  ready() {
    return this.health.check([() => this.drain.accepting(), () => this.catalog.readable(), () => this.catalog.room()]);
  }

  @Probe(
    'getStartup',
    'Get whether the node has started',
    'The migrations are applied, the role of the service has the privileges that it needs, and the catalog has been loaded once.',
  )
  @Get('startup')
  startup() {
    return this.health.check([
      () => this.database.migrated(),
      () => this.database.permitted(),
      () => this.catalog.loaded(),
    ]);
  }
}
