import { type BackgroundTask, BackgroundTasks } from '@coordination/observability';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  Optional,
} from '@nestjs/common';
import pRetry from 'p-retry';
import { type AppRole } from './app-role.js';
import { migrate } from './migrate.js';
import { type SchemaDefinition } from './schema-definition.js';
import { readSchemaState, type SchemaState } from './schema-state.js';
import { type SslMode } from '../servers/tls-demand.js';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5_000;

/** Injection token of the {@link SchemaGateOptions}. */
export const SCHEMA_GATE_OPTIONS = Symbol('SchemaGateOptions');

/** Which schema is needed, and who migrates. */
export interface SchemaGateOptions {
  readonly schema: SchemaDefinition;
  /** The role that the service runs as, whose privileges are checked. */
  readonly url: string;
  readonly ssl: SslMode;
  /** Whether this process migrates; else it waits until another one has done so. */
  readonly migrate: boolean;
  /** The role that may migrate, if it is another one. */
  readonly migrationUrl?: string;
  /** The role that the migrations grant privileges to. */
  readonly appRole?: AppRole;
  /** Whether grants are not logged, because the database has one role for everything. */
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

/** The gate stays closed. The message is the line of the obstacle. */
class ClosedError extends Error {}

/**
 * Opens once the database is reachable, its schema is the one that this version needs, and the role of the service has every
 * privilege that it needs there. It starts its attempts when the application has started and never gives up, so a service that
 * starts before its database waits for it. Once open it stays open: a privilege that is revoked later is missing on all
 * nodes, and none of them should end for it. Classes that read or write tables at start await {@link opened} first.
 */
@Injectable()
export class SchemaGate implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly giveUp = new AbortController();
  private readonly gate = Promise.withResolvers<void>();
  private readonly loggedGrants = new Set<string>();
  private readonly task: BackgroundTask | undefined;
  private open = false;
  private found: SchemaObstacle | undefined;
  private loggedLine = '';

  /** @param tasks records the attempts */
  constructor(
    @Inject(SCHEMA_GATE_OPTIONS) private readonly options: SchemaGateOptions,
    @Optional() @Inject(BackgroundTasks) tasks?: Pick<BackgroundTasks, 'task'>,
  ) {
    this.task = tasks?.task('schema-check');
  }

  /** Resolves when the schema and the privileges are there; never, if the application ends before. */
  get opened(): Promise<void> {
    return this.gate.promise;
  }

  get isOpen(): boolean {
    return this.open;
  }

  /** What the last attempt found; undefined before the first one has ended, and once the gate is open. */
  get obstacle(): SchemaObstacle | undefined {
    return this.found;
  }

  onApplicationBootstrap(): void {
    void this.keepTrying();
  }

  onApplicationShutdown(): void {
    this.giveUp.abort();
  }

  /** Attempts it until the gate opens, or the application ends. */
  private async keepTrying(): Promise<void> {
    const { signal } = this.giveUp;
    await pRetry(() => this.openOnce(signal), {
      signal,
      retries: Infinity,
      minTimeout: FIRST_RETRY_MS,
      maxTimeout: LAST_RETRY_MS,
      randomize: true,
    }).catch(() => undefined);
  }

  /** @throws ClosedError when the gate stays closed */
  private async openOnce(signal: AbortSignal): Promise<void> {
    const turn = this.task?.begin();
    this.found = await this.findObstacle();
    if (this.found === undefined) {
      this.open = true;
      this.gate.resolve();
      turn?.succeeded();
      return;
    }
    const error = new ClosedError(this.found.line);
    if (signal.aborted) turn?.dropped();
    else {
      turn?.failed(error);
      this.logObstacle(this.found.line);
    }
    throw error;
  }

  /** Logs what keeps the gate closed, once for as long as it is the same. */
  private logObstacle(line: string): void {
    if (line !== this.loggedLine) this.logger.warn(`${line} Trying again until it works.`);
    this.loggedLine = line;
  }

  /** What keeps the gate closed; undefined: nothing. Migrates before, if this process is to do so. */
  private async findObstacle(): Promise<SchemaObstacle | undefined> {
    const { url, ssl, schema } = this.options;
    try {
      if (this.options.migrate) await this.migrate();
      const state = await readSchemaState(url, ssl, schema);
      const obstacle = obstacleIn(state);
      if (!obstacle && state.unknown.length > 0) this.logger.warn(aboutUnknown(state.unknown));
      return obstacle;
    } catch (error) {
      return { missing: [], line: `The database cannot be prepared: ${describe(error).replace(/\.$/, '')}.` };
    }
  }

  private async migrate(): Promise<void> {
    const { url, migrationUrl = url, ssl, schema, appRole, hasOneRole } = this.options;
    const grants: string[] = [];
    const done = await migrate(migrationUrl, {
      schema,
      ssl,
      appRole,
      log: line => grants.push(line),
      signal: this.giveUp.signal,
    });
    if (done.length > 0) this.logger.log(`Migrations applied: ${done.join(', ')}`);
    if (!hasOneRole) for (const line of grants) this.logOnce(line);
  }

  /** An attempt that failed is repeated within seconds, and would log the same. */
  private logOnce(line: string): void {
    if (!this.loggedGrants.has(line)) this.logger.log(line);
    this.loggedGrants.add(line);
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
