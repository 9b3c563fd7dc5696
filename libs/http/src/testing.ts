export { PLAIN_RESPONSE_HEADERS, RESPONSE_HEADERS } from './headers/documented-headers.js';
export { MAX_HEAD_BYTES } from './server/http-adapter.js';
