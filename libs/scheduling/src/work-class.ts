/**
 * The classes of work, from the most urgent to the least:
 * - `liveness`: heartbeats, leases, roles, the view, the health of this node and its metrics;
 * - `write`: changes of the catalog;
 * - `hot`: reads that are answered from memory at once;
 * - `heavy`: reads that take more than a few milliseconds, such as large or filtered lists, searches, the past and the log;
 * - `long`: exports and verifications of the log.
 *
 * Only heavy and long work waits for a place.
 */
export const WORK_CLASSES = ['liveness', 'write', 'hot', 'heavy', 'long'] as const;

export type WorkClass = (typeof WORK_CLASSES)[number];
