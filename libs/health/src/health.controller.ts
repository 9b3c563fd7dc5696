import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HealthCheckService } from '@nestjs/terminus';
import { HealthParts } from './health-parts.js';
import { Probe } from './probe.decorator.js';

/** The report for people. Like the probes it accepts any query. */
@ApiTags('Operations')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly parts: HealthParts,
  ) {}

  @Probe(
    'getHealth',
    'Get the health of every part',
    'For people: the database, the view, the log, liveness, the name of the node, background tasks, the writer, the connections of clients, the places and lines of heavy work, the memory and the process, by name. `tasks` is `degraded`, at 200, while a background task fails repeatedly; `failing` lists the tasks, since when and how often they have failed, why, and with what effect. `liveness` is `degraded`, at 200, while no node ends leases; its `state` is also `degraded` while a guard prevents leases from ending, or failures of probes from counting, which is no error. `node` is `degraded`, at 200, while another live node uses the same ID. `connections` is `degraded`, at 200, while new callers are refused because the maximum is open and none is idle. `memory` is `degraded`, at 200, while the catalog is larger than the memory budget of the node allows.',
  )
  @Get()
  everything() {
    return this.health.check(this.parts.all());
  }
}
