/** How many steps the patterns of one request may take (see `Meter`). A step takes 1 to 10 ns, in the worst case 0.1 µs. */
export interface SearchLimits {
  /** Of a page, which is short when they are taken. */
  readonly pageSteps: number;
  /** Of a list of services, which must be complete. */
  readonly listSteps: number;
}

export const SEARCH_LIMITS: SearchLimits = { pageSteps: 50_000_000, listSteps: 100_000_000 };
