/** What `@Endpoint` tells the server about a route. */
export interface EndpointRouteConfig {
  readonly takesBody?: boolean;
  readonly takesQuery?: boolean;
  /** Routes that take many things at once have a limit of their own, and no others do. */
  readonly bodyLimitBytes?: number | undefined;
  /** The path counts as unknown for methods that it does not take: it is there for browsers alone. */
  readonly isUnlisted?: boolean;
}
