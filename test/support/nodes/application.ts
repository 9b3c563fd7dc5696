import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readSettings } from '@coordination/config';
import { type Clock } from '@coordination/kernel';
import { createService } from '../../../apps/coordination/src/bootstrap.js';

/** How a test wants the service. */
export interface ApplicationOptions {
  /** A migrated database, as `createTestDatabase` gives it. */
  readonly databaseUrl: string;
  /** Settings that differ from the defaults, as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** The clock by which background tasks are judged. */
  readonly clock?: Clock;
}

/** The whole service in the test's process, listening on a free port of loopback. */
export interface Application {
  readonly app: NestFastifyApplication;
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the service as `main` would, but in this process, so that its parts can be looked at with `app.get`. */
export async function startApplication({ databaseUrl, env = {}, clock }: ApplicationOptions): Promise<Application> {
  const settings = readSettings({
    PORT: '0',
    LOG_LEVEL: 'silent',
    PCS_MIGRATE_ON_START: 'off',
    // A node that registers itself makes revisions, which tests that count them do not expect.
    PCS_SELF_REGISTRATION: 'off',
    DATABASE_URL: databaseUrl,
    ...env,
  });
  const database = { url: settings.DATABASE_URL ?? databaseUrl, embedded: false };
  const service = await createService(settings, database, clock);
  return { app: service.app, url: await service.listen(), close: () => service.close() };
}
