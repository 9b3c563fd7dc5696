import { Logger } from '@nestjs/common';
import { type Databases, withSilenceTimeout } from '@coordination/database';
import { type GuardRules } from '../guard/guard-rules.js';
import { type LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { type EndedLeasesRepository } from './ended-leases.repository.js';

/** The most leases that one statement changes: as many as one that notes renewals. */
const AT_ONCE = 10_000;

/** A server that is not heard of for so long (ms) meanwhile counts as one that does not answer. */
const SILENCE_MS = 10_000;

export interface RedatingTools {
  readonly databases: Databases;
  readonly leases: EndedLeasesRepository;
  readonly guards: LivenessGuardRepository;
  readonly rules: GuardRules;
  readonly flushBoundMs: number;
}

/**
 * Lets count from now what is stored with a time that has not come. After the clock of the database was set back by an hour,
 * what died before would else be taken for alive for an hour, and an order of an operator would stand for an hour.
 */
export class Redating {
  private readonly logger = new Logger('Liveness');

  constructor(private readonly tools: RedatingTools) {}

  /** @throws StoreUnavailableError what was not changed is found again with the next sweep */
  async run(): Promise<void> {
    const { guards, rules, flushBoundMs } = this.tools;
    const orders = await this.heard(em => guards.redateOrders(em));
    const leases = await this.redateLeases(rules.windowMs + flushBoundMs);
    this.logger.warn(
      `The clock of the database was set back: ${leases} leases and ${orders} orders of operators were dated with a time ` +
        'that has not come. Leases and forced guards count from now; orders to end a guard are dropped.',
    );
  }

  private async redateLeases(endedAgoMs: number): Promise<number> {
    let sum = 0;
    for (;;) {
      const redated = await this.heard(em => this.tools.leases.redate(em, AT_ONCE, endedAgoMs));
      sum += redated;
      if (redated < AT_ONCE) return sum;
    }
  }

  private async heard(work: (em: ReturnType<Databases['em']>) => Promise<number>): Promise<number> {
    const { databases } = this.tools;
    return await withSilenceTimeout(databases, 'liveness', SILENCE_MS, () => work(databases.em('liveness')));
  }
}
