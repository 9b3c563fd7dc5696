import { type RequestClass } from '@coordination/scheduling';
import { type WireProtocol } from './wire-protocol.js';

/** What the server knows about a route; from `@Endpoint`, `@Work`, `@UseProtocol` and `@OwnErrorBody`. */
export interface EndpointRouteConfig {
  /** The class of the work; every route of the service has one. */
  readonly work?: RequestClass;
  /** Many clients send it at the same moment: it begins in a slice of the scheduler, as heavy and long work does. */
  readonly comesInBursts?: boolean | undefined;
  readonly takesBody?: boolean;
  readonly takesQuery?: boolean;
  /** Routes that take many things at once have a limit of their own, and no others do. */
  readonly bodyLimitBytes?: number | undefined;
  /** The path counts as unknown for methods that it does not take: it exists for browsers alone. */
  readonly isUnlisted?: boolean;
  /** The protocol of the route; absent: the native API. */
  readonly protocol?: WireProtocol | undefined;
  /** The status of `HttpException`s that are sent with their own body. */
  readonly ownErrorStatus?: number;
}

declare module 'fastify' {
  interface FastifyContextConfig extends EndpointRouteConfig {}

  interface FastifyRequest {
    /**
     * The configuration of the route; for an unknown route only the protocol that its path belongs to. Fastify assembles
     * `routeOptions` anew each time; this is read once. Undefined for a request that fails before the first hook.
     */
    endpoint: (EndpointRouteConfig & { readonly url?: string }) | undefined;
  }
}
