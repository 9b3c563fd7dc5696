export { askerOfLine } from './asker-of-line.js';
export { type CallOrigin, type CallSource } from './call-origin.js';
export { ContextModule } from './context.module.js';
export { type RepeatableCall } from './repeatable-call.js';
export { RequestContext } from './request-context.js';
export { type RequestFailure, failureOf, noteFailure } from './request-failures.js';
export { currentRequest, runInRequest } from './request-scope.js';
export { ANONYMOUS, type RequestStore, SYSTEM_ACTOR } from './request-store.js';
