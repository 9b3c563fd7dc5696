import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { SchemaGate, StoreProbe } from '@coordination/database';

/** Whether PostgreSQL answers, and has the schema that this version needs. */
@Injectable()
export class DatabaseIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly store: StoreProbe,
    private readonly schema: SchemaGate,
  ) {}

  /**
   * Degraded, not down, while PostgreSQL is away or refuses something: reads go on from the view. `lastError` tells why, in
   * words of ours; what the server said stays in the log.
   */
  async reachable() {
    const indicator = this.health.check('database');
    const { isUsable, lastError } = await this.store.look();
    const details = lastError && { lastError };
    if (isUsable) return indicator.up(details);
    return indicator.degraded({
      message: 'PostgreSQL does not do what it is asked: writes, searches and strong reads may get 503.',
      ...details,
    });
  }

  /** Up once the migrations that this version needs have been applied. */
  migrated() {
    const indicator = this.health.check('migrations');
    return this.schema.isOpen ? indicator.up() : indicator.down('Waiting for the database and its migrations.');
  }
}
