import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { Databases, SchemaGate } from '@coordination/database';

const PING_TIMEOUT_MS = 500;

/** Whether PostgreSQL answers, and has the schema that this version needs. */
@Injectable()
export class DatabaseIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly databases: Databases,
    private readonly schema: SchemaGate,
  ) {}

  /** Degraded, not down, while PostgreSQL is away: reads go on from the view. What the database said stays in the log. */
  async reachable() {
    const indicator = this.health.check('database');
    const ping = this.databases.em('reads').getConnection().execute('select 1');
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(resolve, PING_TIMEOUT_MS, false);
    const answered = await Promise.race([
      ping.then(
        () => true,
        () => false,
      ),
      late,
    ]);
    clearTimeout(timer);
    return answered ? indicator.up() : indicator.degraded('PostgreSQL does not answer: writes and searches get 503.');
  }

  /** Up once the migrations that this version needs have been applied. */
  migrated() {
    const indicator = this.health.check('migrations');
    return this.schema.isOpen ? indicator.up() : indicator.down('Waiting for the database and its migrations.');
  }
}
