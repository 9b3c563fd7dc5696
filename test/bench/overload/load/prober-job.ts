/** What the prober is asked, in this order: once `start`, then `begin` and `end` for each window. */
export type ProberQuestion =
  | {
      readonly ask: 'start';
      readonly url: string;
      /** Ids of the instances that it renews once a second: the first half on kept connections, the other half on new ones. */
      readonly renewing: readonly string[];
    }
  | {
      readonly ask: 'begin';
      /** Ids of the instances that it renews until some time (ms) after the beginning, and then no more. */
      readonly dying: readonly { readonly id: string; readonly stopAfterMs: number }[];
    }
  /** Ends the window, waits until nobody waits any more, for a time that is bounded, and answers with a `ProbeWindow`. */
  | { readonly ask: 'end' };

/** How long before a window those that die begin to be renewed (ms): they all have a fresh lease when it begins. */
export const DYING_LEAD_MS = 600;
