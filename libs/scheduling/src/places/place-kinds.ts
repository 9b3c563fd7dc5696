/**
 * The kinds of places. Work needs a place of its kind before it begins:
 * - `database`: heavy reads that query PostgreSQL, such as the past, the log and its events;
 * - `memory`: heavy reads that are answered from the view of this node, such as large lists, searches and snapshots;
 * - `long`: exports and verifications of the log;
 * - `body`: the parsing of a large request body, up to the moment when the request is handed over to what carries it out.
 */
export const PLACE_KINDS = ['database', 'memory', 'long', 'body'] as const;

export type PlaceKind = (typeof PLACE_KINDS)[number];

/** The bounds of one kind. */
export interface PlaceLimits {
  /** How many pieces of work of this kind run at once. */
  readonly places: number;
  /** How many may wait for a place. */
  readonly lineMax: number;
  /** How long (ms) one may wait. */
  readonly waitMs: number;
}

export const DEFAULT_LIMITS: Readonly<Record<PlaceKind, PlaceLimits>> = {
  database: { places: 2, lineMax: 200, waitMs: 5_000 },
  memory: { places: 2, lineMax: 200, waitMs: 5_000 },
  long: { places: 1, lineMax: 200, waitMs: 5_000 },
  // Each of those that wait keeps a body of up to 1 MiB in memory. They are writes and heartbeats, which wait longer.
  body: { places: 1, lineMax: 64, waitMs: 15_000 },
};
