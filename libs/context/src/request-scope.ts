import { ClsServiceManager } from 'nestjs-cls';
import { type RequestStore } from './request-store.js';

/** Runs a function, and everything that it starts, in the async context of a request. */
export const runInRequest = <T>(store: RequestStore, run: () => T): T =>
  ClsServiceManager.getClsService<RequestStore>().runWith(store, run);

/** The store of the request that is being served, or `undefined` outside one. Cheap: for every line of the log. */
export const currentRequest = (): RequestStore | undefined => ClsServiceManager.getClsService<RequestStore>().get();
