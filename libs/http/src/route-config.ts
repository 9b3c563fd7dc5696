/** What `@Endpoint` tells the server about a route. */
export interface EndpointRouteConfig {
  readonly takesBody?: boolean;
  readonly takesQuery?: boolean;
  readonly bodyLimitBytes?: number | undefined;
}
