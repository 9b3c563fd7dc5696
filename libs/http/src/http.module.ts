import { Global, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ConnectionMetrics } from './connections/connection-metrics.js';
import { ServerConnections } from './connections/server-connections.js';
import { type HttpAdapter } from './server/http-adapter.js';

/** The server exists before the container of Nest does. */
const serverConnections = {
  provide: ServerConnections,
  inject: [HttpAdapterHost],
  useFactory: ({ httpAdapter }: HttpAdapterHost) => (httpAdapter as unknown as HttpAdapter).connections,
};

/** Provides the connections of the server to all modules. It needs `ObservabilityModule` and `createHttpAdapter`. */
@Global()
@Module({ providers: [serverConnections, ConnectionMetrics], exports: [ServerConnections] })
export class HttpModule {}
