import { memoryShares, type Settings } from '@coordination/config';

/** How much (bytes) of the pages of events and histories may be kept: a share of the memory budget. It is an injection token. */
export const eventPagesBound = (settings: Settings): number => memoryShares(settings).kept.events;
