export { PLAIN_RESPONSE_HEADERS, RESPONSE_HEADERS } from './headers/documented-headers.js';
