export { type CallOrigin, type CallSource } from './call-origin.js';
export { ANONYMOUS, RequestContext, SYSTEM_ACTOR, type RequestStore } from './request-context.js';
