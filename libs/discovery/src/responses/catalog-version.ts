/** The state of the catalog that a response was made from. */
export interface CatalogVersion {
  readonly revision: number;
  readonly epoch: string;
  /** Seconds since the data was last known to be current. */
  readonly stalenessSeconds: number;
}

/** How much of the epoch an ETag contains: enough to distinguish the epochs that a client may have seen. */
const EPOCH_PREFIX_LENGTH = 8;

/**
 * The ETag (without quotes) of what a revision shows, the same on all nodes.
 * @param variant distinguishes different selections of members, or pages
 */
export const revisionTag = (epoch: string, revision: number, variant?: string): string => {
  const tag = `${epoch.slice(0, EPOCH_PREFIX_LENGTH)}-${revision}`;
  return variant === undefined ? tag : `${tag}-${variant}`;
};
