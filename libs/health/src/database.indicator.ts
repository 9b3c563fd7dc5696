import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { SchemaGate, StoreProbe } from '@coordination/database';

/** The message while nothing more is known. */
const WAITING = 'Waiting for the database and its migrations.';

/** Whether PostgreSQL responds, has the schema that this version needs, and grants the service the privileges for it. */
@Injectable()
export class DatabaseIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly store: StoreProbe,
    private readonly schema: SchemaGate,
  ) {}

  /**
   * Degraded, not down, while PostgreSQL is unavailable or refuses statements: reads continue from the view. `lastError`
   * explains why; the message of the server is only in the log.
   */
  async reachable() {
    const indicator = this.health.check('database');
    const { isUsable, lastError } = await this.store.look();
    const details = lastError && { lastError };
    if (isUsable) return indicator.up(details);
    return indicator.degraded({
      message: 'PostgreSQL is unavailable or refuses statements: writes, searches and strong reads may get 503.',
      ...details,
    });
  }

  /** Up once the migrations that this version needs have been applied. Until that is known, `lastError` explains why not. */
  async migrated() {
    const indicator = this.health.check('migrations');
    const { isOpen, obstacle } = this.schema;
    if (isOpen || obstacle?.lacks === 'privileges') return indicator.up();
    if (obstacle?.lacks !== 'migrations') {
      const { lastError } = await this.store.look();
      return indicator.down({ message: WAITING, ...(lastError && { lastError }) });
    }
    return indicator.down({
      message: 'The database lacks migrations of this version: run `npm run migrate`, or set PCS_MIGRATE_ON_START=on.',
      missing: obstacle.missing,
    });
  }

  /**
   * Up for ever after the role of the service has had every privilege that it needs: privileges that are revoked later are
   * missing on all nodes, and the statements that need them report it.
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
