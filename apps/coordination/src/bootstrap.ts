import { hostname, networkInterfaces } from 'node:os';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { Databases } from '@coordination/database';
import { CatalogView } from '@coordination/catalog';
import { Drain } from '@coordination/health';
import { configureHttp, createHttpAdapter, listenAddresses, listenError, serveApiDocs } from '@coordination/http';
import { type Clock } from '@coordination/kernel';
import { nodeAddress, NodeRegistration } from '@coordination/liveness';
import { createLogger, NestLogger } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { API_DESCRIPTION } from './documentation/api-description.js';
import { AppModule, type DatabaseChoice } from './app.module.js';
import { builtDocuments } from './documentation/built-documents.js';
import { GUIDES } from './documentation/guides.js';
import { liveExamples } from './documentation/live-examples.js';
import { SERVICE_VERSION } from './version.js';

/** The port of an http URL without one (RFC 9110, section 4.2.1). */
const DEFAULT_HTTP_PORT = 80;

/** The assembled service. */
export interface Service {
  readonly app: NestFastifyApplication;
  /**
   * Begins to accept requests, before the database responds; until then, requests that need it get 503.
   * @returns the URL, such as `http://127.0.0.1:8081`
   * @throws Error with one line for the user if the address is not available
   */
  listen(): Promise<string>;
  /**
   * Shuts down: readiness turns 503, requests in flight finish, pending rows are written, connections close.
   * @param signal the signal that the process got; on SIGTERM the drain gives load balancers time to notice
   */
  close(signal?: string): Promise<void>;
}

/**
 * Assembles the service in this process.
 * @param clock measures the age of failures of background tasks; the system clock by default
 */
export async function createService(settings: Settings, database: DatabaseChoice, clock?: Clock): Promise<Service> {
  const logger = createLogger(settings);
  const http = createHttpAdapter(settings);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(settings, database, logger, clock),
    http,
    { bufferLogs: true, abortOnError: false },
  );
  app.useLogger(new NestLogger(logger));
  configureHttp(app, settings, app.get(Scheduler, { strict: false }));
  serveApiDocs(app, API_DESCRIPTION, {
    texts: builtDocuments(),
    liveExamples: () => liveExamples(app.get(CatalogView, { strict: false })),
    guides: GUIDES,
  });
  return {
    app,
    async listen() {
      const [first, ...further] = await listenAddresses(settings.HOST);
      const place = await http.acceptors.optionsFor(first, settings.PORT);
      await app.listen(place).catch((error: unknown) => {
        throw listenError(error, settings);
      });
      for (const address of await http.acceptors.listen(further)) {
        new Logger('Http').warn(`Cannot listen on ${address}, another address of ${settings.HOST}, with this port.`);
      }
      const url = await app.getUrl();
      // With PORT=0 the port is known only now.
      const nodePlace = {
        listenHost: settings.HOST,
        port: Number(new URL(url).port || DEFAULT_HTTP_PORT),
        hostname: hostname(),
        interfaces: networkInterfaces(),
        nodeId: settings.PCS_NODE_ID,
        advertisedHost: settings.PCS_ADVERTISED_HOST,
      };
      app.get(NodeRegistration, { strict: false }).begin(nodeAddress(nodePlace), SERVICE_VERSION);
      return url;
    },
    async close(signal) {
      http.connections.beginEnding();
      app.get(NodeRegistration, { strict: false }).expectSuccessor();
      await app.get(Drain).begin(signal);
      await app.close();
      await app.get(Databases).close();
    },
  };
}
