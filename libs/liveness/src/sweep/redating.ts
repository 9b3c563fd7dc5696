import { Inject, Injectable, Logger } from '@nestjs/common';
import { Databases, withSilenceTimeout } from '@coordination/database';
import { type ExpiryRules, expiryRules } from '../guard/guard-rules.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { EndedLeasesRepository } from './ended-leases.repository.js';

/** The most leases that one statement changes: as many as one that stores renewals. */
const AT_ONCE = 10_000;

/** After so long (ms) without a response the server counts as unreachable. */
const SILENCE_MS = 10_000;

/**
 * Corrects stored times in the future. After the clock of the database was set back by an hour, instances that died before
 * would else count as alive for an hour, and an operator's override of a guard would be in force for an hour longer.
 */
@Injectable()
export class Redating {
  private readonly logger = new Logger('Liveness');

  constructor(
    private readonly databases: Databases,
    private readonly leases: EndedLeasesRepository,
    private readonly guards: LivenessGuardRepository,
    @Inject(expiryRules) private readonly rules: ExpiryRules,
  ) {}

  /** @throws StoreUnavailableError; the next sweep finds what was not corrected */
  async run(): Promise<void> {
    const { guards, rules } = this;
    const overrides = await this.inTime(em => guards.redateOverrides(em));
    const leases = await this.redateLeases(rules.windowMs + rules.flushBoundMs);
    this.logger.warn(
      `The clock of the database was set back: ${leases} leases and ${overrides} overrides of guards had a time in the ` +
        'future. Leases and forced guards count from now; overrides that end a guard are dropped.',
    );
  }

  private async redateLeases(endedAgoMs: number): Promise<number> {
    let sum = 0;
    for (;;) {
      const redated = await this.inTime(em => this.leases.redate(em, AT_ONCE, endedAgoMs));
      sum += redated;
      if (redated < AT_ONCE) return sum;
    }
  }

  private async inTime(work: (em: ReturnType<Databases['em']>) => Promise<number>): Promise<number> {
    const { databases } = this;
    return await withSilenceTimeout(databases, 'liveness', SILENCE_MS, () => work(databases.em('liveness')));
  }
}
