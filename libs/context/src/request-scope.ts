import { AsyncLocalStorage } from 'node:async_hooks';
import { type RequestStore } from './request-store.js';

/**
 * One for the process, and not injected: the HTTP server and the logger, which use it, exist before the application that
 * could inject it.
 */
const requests = new AsyncLocalStorage<RequestStore>();

/** Runs a function, and everything that it starts, in the async context of a request. */
export const runInRequest = <T>(store: RequestStore, run: () => T): T => requests.run(store, run);

/** The store of the request that is being served, or `undefined` outside one. Cheap enough for each line of the log. */
export const currentRequest = (): RequestStore | undefined => requests.getStore();
