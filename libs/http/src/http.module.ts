import { Global, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { settingsProvider } from '@coordination/config';
import { RequestBodies, requestBodiesLimit } from './body/request-bodies.js';
import { ConnectionMetrics } from './connections/connection-metrics.js';
import { ServerConnections } from './connections/server-connections.js';
import { LiveResponses } from './live/live-responses.js';
import { type HttpAdapter } from './server/http-adapter.js';
import { PacedRequests } from './admission/paced-requests.js';
import { RequestPlaces } from './admission/request-places.js';

/** The server exists before the container of Nest does. */
const serverConnections = {
  provide: ServerConnections,
  inject: [HttpAdapterHost],
  useFactory: ({ httpAdapter }: HttpAdapterHost) => (httpAdapter as unknown as HttpAdapter).connections,
};

/**
 * Provides {@link RequestPlaces} and the connections of the server to all modules. It needs the modules of settings,
 * `ObservabilityModule`, `SchedulingModule`, and an application on `createHttpAdapter`.
 */
@Global()
@Module({
  providers: [
    serverConnections,
    ConnectionMetrics,
    RequestPlaces,
    PacedRequests,
    settingsProvider(requestBodiesLimit),
    RequestBodies,
    LiveResponses,
  ],
  exports: [ServerConnections, RequestPlaces],
})
export class HttpModule {}
