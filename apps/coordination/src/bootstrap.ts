import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { Databases } from '@coordination/database';
import { CatalogView } from '@coordination/discovery';
import { Drain } from '@coordination/health';
import { configureHttp, createHttpAdapter, serveApiDocs } from '@coordination/http';
import { createLogger, NestLogger } from '@coordination/observability';
import { API_DESCRIPTION } from './api-description.js';
import { AppModule, type DatabaseChoice } from './app.module.js';
import { liveExamples } from './live-examples.js';

/** The service, listening. */
export interface RunningService {
  readonly app: NestFastifyApplication;
  /** Where it listens, such as `http://127.0.0.1:8081`. */
  readonly url: string;
  /**
   * Drains: readiness turns 503, requests in flight finish, the last rows are written, connections close.
   * @param signal what the process was told; on SIGTERM readiness gets time to be noticed
   */
  close(signal?: string): Promise<void>;
}

/**
 * Starts the service in this process. It listens before its database answers; what needs the database says so by 503.
 * @throws Error when it cannot listen
 */
export async function startService(settings: Settings, database: DatabaseChoice): Promise<RunningService> {
  const logger = createLogger(settings);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(settings, database, logger),
    createHttpAdapter(settings),
    { bufferLogs: true, abortOnError: false },
  );
  app.useLogger(new NestLogger(logger));
  configureHttp(app, settings);
  serveApiDocs(app, API_DESCRIPTION, { liveExamples: () => liveExamples(app.get(CatalogView, { strict: false })) });
  const close = async (signal?: string) => {
    await app.get(Drain).begin(signal);
    await app.close();
    await app.get(Databases).close();
  };
  try {
    await app.listen(settings.PORT, settings.HOST);
  } catch (error) {
    await close();
    throw error;
  }
  return { app, url: await app.getUrl(), close };
}
