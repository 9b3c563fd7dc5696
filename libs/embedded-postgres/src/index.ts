export { EMBEDDED_DATABASE, type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.js';
