/** What `@Endpoint` tells the server about a route. */
export interface EndpointRouteConfig {
  readonly takesBody?: boolean;
  readonly takesQuery?: boolean;
  /** Routes that take many things at once have a limit of their own, and no others do. */
  readonly bodyLimitBytes?: number | undefined;
}
