import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HealthCheckService } from '@nestjs/terminus';
import { CatalogIndicator } from './catalog.indicator.js';
import { DatabaseIndicator } from './database.indicator.js';
import { LivenessIndicator } from './liveness.indicator.js';
import { LoadIndicator } from './load.indicator.js';
import { NodeIndicator } from './node.indicator.js';
import { Probe } from './probe.decorator.js';

/** The report for people. Like the probes it accepts any query. */
@ApiTags('Operations')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly catalog: CatalogIndicator,
    private readonly database: DatabaseIndicator,
    private readonly liveness: LivenessIndicator,
    private readonly load: LoadIndicator,
    private readonly node: NodeIndicator,
  ) {}

  @Probe(
    'getHealth',
    'Get the health of every part',
    'For people: the database, the view, the log, liveness, the name of the node, background tasks, the writer, the connections of clients, the places and lines of heavy work, and the process, by name. `tasks` is `degraded`, at 200, while a background task fails repeatedly; `failing` lists the tasks, since when and how often they have failed, why, and with what effect. `liveness` is `degraded`, at 200, while no node ends leases; its `state` is also `degraded` while a guard prevents leases from ending, which is no error. `node` is `degraded`, at 200, while another live node uses the same ID. `connections` is `degraded`, at 200, while new callers are refused because the maximum is open and none is idle.',
  )
  @Get()
  everything() {
    return this.health.check([
      () => this.database.reachable(),
      () => this.database.migrated(),
      () => this.database.permitted(),
      () => this.catalog.readable(),
      () => this.catalog.room(),
      () => this.liveness.guarded(),
      () => this.node.named(),
      () => this.node.tasks(),
      () => this.node.writer(),
      () => this.load.connections(),
      () => this.load.work(),
      () => this.node.process(),
    ]);
  }
}
