import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { type BackgroundTask } from '@coordination/observability';
import { type AppRole } from './app-role.js';
import { migrate } from './migrate.js';
import { readSchemaState, type SchemaState } from './schema-state.js';
import { type SslMode } from '../servers/tls-demand.js';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5_000;

/** How the schema is brought about. */
export interface SchemaGateOptions {
  /** The role that the service runs as, whose privileges are checked. */
  readonly url: string;
  readonly ssl: SslMode;
  /** Whether this process migrates; else it waits until somebody else has. */
  readonly migrate: boolean;
  /** The role that may migrate, if it is another one. */
  readonly migrationUrl?: string;
  /** Whom the migrations grant privileges. */
  readonly appRole?: AppRole;
  /** Whether nothing is said of grants, because the database has one role for everything. */
  readonly hasOneRole?: boolean;
}

/** What keeps the gate closed. */
export interface SchemaObstacle {
  /** What the database lacks; undefined while it could not be asked, or not migrated. */
  readonly lacks?: 'migrations' | 'privileges';
  /** Names of the migrations, or the privileges as people read them. */
  readonly missing: readonly string[];
  /** What is wrong and what to do, as a sentence for the log. */
  readonly line: string;
}

/**
 * Opens once the database is reachable, its schema is the one that this version needs, and the role of the service has every
 * privilege that it needs there. It starts trying when the application has started and never gives up, so a service that
 * comes up before its database lives and waits. Once open it stays open: what is revoked later all nodes lack, and none of
 * them should leave for it. Whatever reads or writes tables at start awaits {@link opened} first.
 */
export class SchemaGate implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly giveUp = new AbortController();
  private readonly gate = Promise.withResolvers<void>();
  private readonly saidOfGrants = new Set<string>();
  private open = false;
  private found: SchemaObstacle | undefined;

  /** @param task where tries that fail are noted */
  constructor(
    private readonly options: SchemaGateOptions,
    private readonly task?: BackgroundTask,
  ) {}

  /** Resolves when the schema and the privileges are there; never, if the application ends before. */
  get opened(): Promise<void> {
    return this.gate.promise;
  }

  get isOpen(): boolean {
    return this.open;
  }

  /** What the last try found; undefined before the first one has ended, and once the gate is open. */
  get obstacle(): SchemaObstacle | undefined {
    return this.found;
  }

  onApplicationBootstrap(): void {
    void this.keepTrying();
  }

  onApplicationShutdown(): void {
    this.giveUp.abort();
  }

  private async keepTrying(): Promise<void> {
    const { signal } = this.giveUp;
    let said = '';
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      const turn = this.task?.begin();
      this.found = await this.attempt();
      if (this.found === undefined) {
        this.open = true;
        this.gate.resolve();
        turn?.succeeded();
        return;
      }
      const { line } = this.found;
      if (!signal.aborted) turn?.failed(new Error(line));
      if (line !== said && !signal.aborted) this.logger.warn(`${line} Trying again until it works.`);
      said = line;
      await delay(retryMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
    }
  }

  /** What stands in the way; undefined when nothing does. */
  private async attempt(): Promise<SchemaObstacle | undefined> {
    const { url, ssl } = this.options;
    try {
      if (this.options.migrate) await this.migrate();
      const state = await readSchemaState(url, ssl);
      const obstacle = obstacleIn(state);
      if (!obstacle && state.unknown.length > 0) this.logger.warn(aboutUnknown(state.unknown));
      return obstacle;
    } catch (error) {
      return { missing: [], line: `The database cannot be prepared: ${describe(error).replace(/\.$/, '')}.` };
    }
  }

  private async migrate(): Promise<void> {
    const { url, migrationUrl = url, ssl, appRole, hasOneRole } = this.options;
    const ofGrants: string[] = [];
    const done = await migrate(migrationUrl, {
      ssl,
      appRole,
      say: line => ofGrants.push(line),
      signal: this.giveUp.signal,
    });
    if (done.length > 0) this.logger.log(`Migrations applied: ${done.join(', ')}`);
    if (!hasOneRole) for (const line of ofGrants) this.sayOnce(line);
  }

  /** A try that failed is repeated within seconds, and would say the same. */
  private sayOnce(line: string): void {
    if (!this.saidOfGrants.has(line)) this.logger.log(line);
    this.saidOfGrants.add(line);
  }
}

function obstacleIn({ role, pending, missing }: SchemaState): SchemaObstacle | undefined {
  if (pending && pending.length > 0) {
    return {
      lacks: 'migrations',
      missing: pending,
      line: `The database lacks the migrations ${pending.join(', ')}: run \`npm run migrate\`, or set PCS_MIGRATE_ON_START=on.`,
    };
  }
  if (missing.length === 0) return undefined;
  return {
    lacks: 'privileges',
    missing,
    line:
      `The role ${role} of DATABASE_URL lacks privileges that the service needs: ${missing.join('; ')}. ` +
      `Run \`npm run migrate\` as the owner of the tables, with DATABASE_APP_ROLE=${role}.`,
  };
}

const aboutUnknown = (names: readonly string[]): string =>
  `The database has migrations that this version of the service does not know (${names.join(', ')}), so a newer version ` +
  'has migrated it. This version goes on.';

/** Node.js reports refused connections to a name with several addresses as an error without a message. */
function describe(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
