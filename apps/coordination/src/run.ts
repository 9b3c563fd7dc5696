import { Logger } from '@nestjs/common';
import { assertEmbeddedAllowed, foreignVariablesOf, readSettings, type Settings } from '@coordination/config';
import { describeServers, pgOptions, placeOf } from '@coordination/database';
import { startEmbeddedPostgres } from '@coordination/embedded-postgres';
import { assertCanListen, otherOnLocalhost } from '@coordination/http';
import { listensOnLoopback } from '@coordination/kernel';
import { type DatabaseChoice } from './app.module.js';
import { createService } from './bootstrap.js';
import { differentDatabases } from './commands/different-databases.js';
import { ProcessEnd } from './process-end.js';

/** Runs the service until the process gets a signal to end. */
export async function run(): Promise<void> {
  // Log lines are buffered until the configured logger exists.
  Logger.attachBuffer();
  const end = new ProcessEnd();
  try {
    const settings = readSettings(process.env);
    assertUrlsUsable(settings);
    end.limitSeconds = settings.PCS_SHUTDOWN_DRAIN_SECONDS + settings.PCS_SHUTDOWN_GRACE_SECONDS;
    warnAboutEnvironment(settings);
    // Checked before the embedded database is started in vain.
    await assertCanListen(settings);
    const database = await chooseDatabase(settings, end);
    const service = await createService(settings, database);
    end.defer(signal => service.close(signal));
    const url = await service.listen();
    new Logger('Service').log(
      `Listening on ${url} (API documentation: ${settings.PCS_PUBLIC_URL ?? url}/docs). ${describe(database)} ${exposure(settings)}`,
    );
    const other = await otherOnLocalhost(settings);
    if (other !== undefined) new Logger('Service').warn(other);
    end.started();
  } catch (error) {
    await end.failed(error);
  }
}

/** Checks URLs at start, because otherwise every connection attempt would fail with the same error. */
function assertUrlsUsable(settings: Settings): void {
  for (const name of ['DATABASE_URL', 'DATABASE_LISTEN_URL', 'DATABASE_MIGRATION_URL'] as const) {
    const url = settings[name];
    try {
      if (url !== undefined) pgOptions(url, settings.DATABASE_SSL);
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    }
  }
}

async function chooseDatabase(settings: Settings, end: ProcessEnd): Promise<DatabaseChoice> {
  if (settings.DATABASE_URL !== undefined) return { url: settings.DATABASE_URL, embedded: false };
  assertEmbeddedAllowed(settings);
  const logger = new Logger('EmbeddedPostgres');
  const embedded = await startEmbeddedPostgres({
    dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR,
    log: line => logger.log(line),
  });
  end.defer(() => embedded.stop());
  return { url: embedded.url, embedded: true };
}

/** Logs settings that are valid, but may be a mistake. */
function warnAboutEnvironment(settings: Settings): void {
  const logger = new Logger('Settings');
  const foreign = foreignVariablesOf(process.env);
  if (foreign !== undefined) logger.log(foreign);
  for (const line of differentDatabases(settings)) logger.warn(line);
}

function describe({ url, embedded }: DatabaseChoice): string {
  const { servers, database } = placeOf(url);
  return `Database: ${embedded ? 'embedded PostgreSQL' : 'PostgreSQL'} at ${describeServers({ servers })}/${database}.`;
}

function exposure({ HOST }: Settings): string {
  return listensOnLoopback(HOST)
    ? 'It listens only on loopback, because there is no access control.'
    : 'There is no access control: every client that can reach this address can change the catalog.';
}
