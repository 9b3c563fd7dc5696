import { memoryShares, type Settings } from '@coordination/config';

/** How much (bytes) of what this library has computed it may keep: its shares of the memory budget. Each is an injection token. */
export const listingsBound = (settings: Settings): number => memoryShares(settings).kept.listings;
export const resolveBound = (settings: Settings): number => memoryShares(settings).kept.resolve;
export const pastBound = (settings: Settings): number => memoryShares(settings).kept.past;
export const logPagesBound = (settings: Settings): number => memoryShares(settings).kept.logPages;

/** The bounds of kept JSON: of whole lists, and of pages of lists and lists with some members only. */
export const jsonBounds = (settings: Settings): { readonly lists: number; readonly pages: number } =>
  memoryShares(settings).kept;
export type JsonBounds = ReturnType<typeof jsonBounds>;
