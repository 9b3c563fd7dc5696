export { type CallOrigin, type CallSource } from './call-origin.js';
export { ContextModule } from './context.module.js';
export { ANONYMOUS, RequestContext, SYSTEM_ACTOR, type RequestStore } from './request-context.js';
export { type RepeatableCall } from './repeatable-call.js';
export { currentRequest, runInRequest } from './request-scope.js';
