import { Logger } from '@nestjs/common';
import { assertEmbeddedAllowed, foreignVariablesOf, readSettings, type Settings } from '@coordination/config';
import { describeServers, pgOptions, placeOf } from '@coordination/database';
import { startEmbeddedPostgres } from '@coordination/embedded-postgres';
import { assertCanListen, otherOnLocalhost } from '@coordination/http';
import { listensOnLoopback } from '@coordination/kernel';
import { type DatabaseChoice } from './app.module.js';
import { createService } from './bootstrap.js';
import { differentDatabases } from './different-databases.js';
import { ProcessEnd } from './process-end.js';

/** Runs the service until the process is told to end. */
export async function run(): Promise<void> {
  // Lines wait until the logger that the settings ask for is there.
  Logger.attachBuffer();
  const end = new ProcessEnd();
  try {
    const settings = readSettings(process.env);
    assertUrlsUsable(settings);
    end.limitSeconds = settings.PCS_SHUTDOWN_DRAIN_SECONDS + settings.PCS_SHUTDOWN_GRACE_SECONDS;
    sayStrange(settings);
    // Before a database is started for nothing.
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

/** What a URL asks for and there is not would be met again and again by whoever connects. */
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

/** What is no error, but may be a mistake. */
function sayStrange(settings: Settings): void {
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
    ? 'It listens on loopback only, because access control is off.'
    : 'Access control is off: everybody who can reach this address can change the catalog.';
}
