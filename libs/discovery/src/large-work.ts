/**
 * Work on more instances, or more services, than this takes some milliseconds: it needs a place, unless its result is cached.
 */
export const LARGE_WORK = 500;
