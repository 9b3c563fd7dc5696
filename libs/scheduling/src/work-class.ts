/**
 * The classes of work, from the most urgent to the least:
 * - `liveness`: heartbeats, leases, roles, the view, the health of this node and its metrics;
 * - `write`: changes of the catalog;
 * - `hot`: reads that are answered from memory at once;
 * - `send`: writing large responses to sockets, whatever request they answer. It is a class of its own because a response
 *   that is made already must not wait behind those that are still being made: it holds memory until it is sent;
 * - `heavy`: reads that take more than a few milliseconds, such as large or filtered lists, searches, the past and the log;
 * - `long`: exports and verifications of the log.
 *
 * Only heavy and long work waits for a place.
 */
export const WORK_CLASSES = ['liveness', 'write', 'hot', 'send', 'heavy', 'long'] as const;

export type WorkClass = (typeof WORK_CLASSES)[number];

/** The classes that a request can have. */
export type RequestClass = Exclude<WorkClass, 'send'>;
