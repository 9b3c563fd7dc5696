import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import { type EndpointRouteConfig } from './route-config.js';

/** Adds to the configuration of the route of a handler; Nest's `@RouteConfig` would replace it. */
export function extendRouteConfig(handler: object, config: EndpointRouteConfig): void {
  const present = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as EndpointRouteConfig | undefined;
  Reflect.defineMetadata(FASTIFY_ROUTE_CONFIG_METADATA, { ...present, ...config }, handler);
}
