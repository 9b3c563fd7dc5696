import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Databases, read } from '@coordination/database';
import { repeat } from '@coordination/kernel';
import { ALL, type GuardState, scopeKey } from './guard-state.js';
import { type LivenessGuardRepository } from './liveness-guard.repository.js';

const EVERY_MS = 1_000;

export interface GuardStatesOptions {
  readonly databases: Databases;
  readonly guards: LivenessGuardRepository;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
}

/** The guards that are active, known on every node; about a second old, or older while the database is away. */
export class GuardStates implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Liveness');
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
    const { ready, everyMs = EVERY_MS } = this.options;
    const { signal } = this.ending;
    void ready.then(() => repeat(() => this.look(), { everyMs, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  /** Reads them now, and not only when it is time again. */
  async refresh(): Promise<void> {
    const { databases, guards } = this.options;
    const states = await read(databases, em => guards.findStates(em), { purpose: 'liveness' });
    this.states = new Map(states.map(state => [scopeKey(state.scope), state]));
  }

  private async look(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      if (!this.ending.signal.aborted) this.logger.debug(`Guards could not be looked at: ${String(error)}`);
    }
  }
}
