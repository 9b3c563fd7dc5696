import { type LoadRequest } from '../../load/load-job.js';

/** What the callers of one kind repeat. Plain JSON, since it goes to a process of its own. */
export type Repeated =
  /** Requests in turn, each caller from another one on. */
  | { readonly way: 'requests'; readonly requests: readonly LoadRequest[] }
  /** Batches that change so many instances of the caller's own each time. */
  | { readonly way: 'batches'; readonly perRequest: number; readonly service: string }
  /** Watches that are opened, until there are so many, and stay open. */
  | { readonly way: 'watches'; readonly paths: readonly string[]; readonly most: number };

export type CallersQuestion =
  | { readonly ask: 'prepare' }
  /** Answered by a `ReaderResult` when the time is over. */
  | {
      readonly ask: 'run';
      readonly url: string;
      readonly kind: string;
      readonly repeated: Repeated;
      readonly callers: number;
      readonly seconds: number;
    };
