import { applyDecorators, Controller, Get } from '@nestjs/common';
import { ApiIncludeEndpoint, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { describedHeaders, OwnErrorBody, PossibleProblems } from '@coordination/http';
import { CatalogIndicator } from './catalog.indicator.js';
import { DatabaseIndicator } from './database.indicator.js';
import { healthReport } from './health.schemas.js';
import { Drain } from './drain.js';
import { LivenessIndicator } from './liveness.indicator.js';
import { LogIndicator } from './log.indicator.js';
import { NodeIndicator } from './node.indicator.js';
import { ProcessIndicator } from './process.indicator.js';
import { TasksIndicator } from './tasks.indicator.js';

const Answer = (status: number, description: string) =>
  ApiResponse({ status, description, headers: describedHeaders(['Cache-Control']), standardSchema: healthReport });

const Probe = (operationId: string, summary: string, description: string) =>
  applyDecorators(
    ApiIncludeEndpoint(),
    ApiOperation({ operationId, summary, description }),
    PossibleProblems(),
    Answer(200, 'All is well.'),
    Answer(503, 'Something is not as it must be.'),
    OwnErrorBody(503),
    HealthCheck({ noCache: true, swaggerDocumentation: false }),
  );

/** The service's own probes, in the body shape of Terminus. Unlike the API they take any query: probes are configured once. */
@ApiTags('Operations')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly catalog: CatalogIndicator,
    private readonly database: DatabaseIndicator,
    private readonly liveness: LivenessIndicator,
    private readonly log: LogIndicator,
    private readonly node: NodeIndicator,
    private readonly process: ProcessIndicator,
    private readonly tasks: TasksIndicator,
    private readonly drain: Drain,
  ) {}

  @Get('live')
  @Probe(
    'getLiveness',
    'Liveness',
    'The process runs and answers. It asks nothing else: a restart would not mend what is wrong elsewhere.',
  )
  live() {
    return { status: 'ok', info: {}, error: {}, details: {} };
  }

  @Get('ready')
  @Probe(
    'getReadiness',
    'Readiness',
    'The view of the catalog is loaded and no staler than allowed. 503 while shutting down. `log` is `degraded`, at 200, while the log is about to run out of partitions. What all nodes share (the database, its privileges) makes no node unready after its first load, until the view is too old.',
  )
  ready() {
    return this.health.check([() => this.drain.accepting(), () => this.catalog.readable(), () => this.log.room()]);
  }

  @Get('startup')
  @Probe(
    'getStartup',
    'Startup',
    'The migrations are applied, the role of the service has the privileges that it needs, and the catalog has been loaded once.',
  )
  startup() {
    return this.health.check([
      () => this.database.migrated(),
      () => this.database.permitted(),
      () => this.catalog.loaded(),
    ]);
  }

  @Get()
  @Probe(
    'getHealth',
    'Health of every part',
    'For people: the database, the view, the log, liveness, the name of the node, background tasks, the writer and the process, by name. `tasks` is `degraded`, at 200, while a background task fails again and again; `failing` tells which, since when, how often, why, and with what effect. `liveness` is `degraded`, at 200, while no node ends leases; its `state` is `degraded` also while a guard keeps leases from ending, which is no error. `node` is `degraded`, at 200, while another live node uses the same ID.',
  )
  everything() {
    return this.health.check([
      () => this.database.reachable(),
      () => this.database.migrated(),
      () => this.database.permitted(),
      () => this.catalog.readable(),
      () => this.log.room(),
      () => this.liveness.guarded(),
      () => this.node.named(),
      () => this.tasks.running(),
      () => this.process.queue(),
      () => this.process.process(),
    ]);
  }
}
