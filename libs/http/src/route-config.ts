/** What `@Endpoint` tells the server about a route. */
export interface EndpointRouteConfig {
  readonly takesBody?: boolean;
  readonly takesQuery?: boolean;
  readonly bodyLimitBytes?: number | undefined;
  /** The path counts as unknown for methods that it does not take: it is there for browsers alone. */
  readonly isUnlisted?: boolean;
}
