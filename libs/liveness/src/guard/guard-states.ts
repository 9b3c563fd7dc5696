import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Databases, readSnapshot } from '@coordination/database';
import { type BackgroundTask } from '@coordination/observability';
import { ALL, type GuardState, scopeKey } from './guard-state.js';
import { type LivenessGuardRepository } from './liveness-guard.repository.js';

const EVERY_MS = 1_000;

export interface GuardStatesOptions {
  readonly databases: Databases;
  readonly guards: LivenessGuardRepository;
  readonly task: BackgroundTask;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
}

/** The guards that are active, known on every node; about a second old, or older while the database is away. */
export class GuardStates implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly ending = new AbortController();
  private states: ReadonlyMap<string, GuardState> = new Map();

  constructor(private readonly options: GuardStatesOptions) {}

  /** All of them; the one over all first. */
  current(): GuardState[] {
    return [...this.states.values()];
  }

  /** What keeps a service as it is: its own guard, or else the one over all. */
  of(namespace: string, service: string): GuardState | undefined {
    return this.states.get(scopeKey({ kind: 'service', namespace, service })) ?? this.states.get(scopeKey(ALL));
  }

  onApplicationBootstrap(): void {
    const { ready, task, everyMs = EVERY_MS } = this.options;
    const { signal } = this.ending;
    void ready.then(() => task.repeat(() => this.refresh(), { everyMs, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  /** Reads them now, and not only when it is time again. */
  async refresh(): Promise<void> {
    const { databases, guards } = this.options;
    const states = await readSnapshot(databases, em => guards.findStates(em), { purpose: 'liveness' });
    this.states = new Map(states.map(state => [scopeKey(state.scope), state]));
  }
}
