// What tests and the bench need of the inside: imported as `@coordination/embedded-postgres/testing`, and by them only.
export { giveTo, serverAccount } from './account.js';
export { type Home, prepareHome } from './home.js';
export { ensureDatabase, initialise, launch, serverUrl } from './server.js';
export { isAlive, readPidFile, stopServer } from './server-process.js';
