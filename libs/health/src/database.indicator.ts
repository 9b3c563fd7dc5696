import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { Databases, SchemaGate } from '@coordination/database';

const PING_TIMEOUT_MS = 500;

/** What is told while nothing more is known. */
const WAITING = 'Waiting for the database and its migrations.';

/** Whether PostgreSQL answers, has the schema that this version needs, and lets this service use it. */
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
    const { isOpen, obstacle } = this.schema;
    if (isOpen || obstacle?.lacks === 'privileges') return indicator.up();
    if (obstacle?.lacks !== 'migrations') return indicator.down(WAITING);
    return indicator.down({
      message: 'The database lacks migrations of this version: run `npm run migrate`, or set PCS_MIGRATE_ON_START=on.',
      missing: obstacle.missing,
    });
  }

  /**
   * Up once the role of the service had every privilege that it needs, for good: what is revoked later all nodes lack, and
   * whatever fails for it says so.
   */
  permitted() {
    const indicator = this.health.check('privileges');
    const { isOpen, obstacle } = this.schema;
    if (isOpen) return indicator.up();
    if (obstacle?.lacks !== 'privileges') return indicator.down(WAITING);
    return indicator.down({
      message:
        'The role of the service lacks privileges: run `npm run migrate` as the owner of the tables, with DATABASE_APP_ROLE ' +
        'set to the role of DATABASE_URL.',
      missing: obstacle.missing,
    });
  }
}
