export { CALL_SOURCES, type CallOrigin, type CallSource } from './call-origin.js';
export { ContextModule } from './context.module.js';
export { RequestContext } from './request-context.js';
export { ANONYMOUS, type RequestStore } from './request-store.js';
export { type RepeatableCall } from './repeatable-call.js';
export { currentRequest, runInRequest } from './request-scope.js';
export { callerFields } from './caller-fields.js';
export { failureOf, noteFailure, type RequestFailure } from './request-failures.js';
