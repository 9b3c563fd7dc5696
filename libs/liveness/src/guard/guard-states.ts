import { Inject, Injectable, type OnModuleInit, Optional } from '@nestjs/common';
import { Databases, readSnapshot, SchemaGate } from '@coordination/database';
import { BackgroundTasks, Metrics, PeriodicJob } from '@coordination/observability';
import { GuardSet, type GuardState } from './guard-state.js';
import { LivenessGuardRepository } from './liveness-guard.repository.js';

/** How often guards are read; tests change it. */
export interface GuardStatesPace {
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/** The active guards, on every node: about a second old, or older while the database cannot be reached. */
@Injectable()
export class GuardStates extends PeriodicJob implements OnModuleInit {
  private active = new GuardSet();

  constructor(
    private readonly databases: Databases,
    private readonly guards: LivenessGuardRepository,
    @Inject(Metrics) private readonly metrics: Pick<Metrics, 'observedGauge' | 'observedGauges'>,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) schema: Pick<SchemaGate, 'opened'>,
    @Optional() { everyMs = EVERY_MS }: GuardStatesPace = {},
  ) {
    super({ task: tasks.task('guard-watch'), everyMs, ready: schema.opened });
  }

  /** All active guards; the one over all services is the first. */
  current(): readonly GuardState[] {
    return this.active.states;
  }

  /** The guard that applies to a service: its own, or else the one over all services. */
  of(namespace: string, service: string): GuardState | undefined {
    return this.active.of(namespace, service);
  }

  onModuleInit(): void {
    const { metrics } = this;
    metrics.observedGauges(
      {
        name: 'liveness_guards',
        help: 'Guards that keep leases from ending, or failures of probes from counting, by scope and reason.',
        labelNames: ['scope', 'reason'],
      },
      () => this.current().map(({ scope, reason }) => ({ labels: { scope: scope.kind, reason }, value: 1 })),
    );
    metrics.observedGauge(
      'liveness_guard_held_leases',
      'Leases that have expired, or would have, in all scopes that a guard holds.',
      () =>
        this.current().reduce(
          (sum, { reason, wouldExpire }) => (reason === 'probe-failures' ? sum : sum + wouldExpire),
          0,
        ),
    );
  }

  /** Reads the guards now, in addition to the usual turns. */
  async refresh(): Promise<void> {
    const states = await readSnapshot(this.databases, em => this.guards.findAll(em), { purpose: 'liveness' });
    this.active = new GuardSet(states);
  }

  protected override async turn(): Promise<void> {
    await this.refresh();
  }
}
