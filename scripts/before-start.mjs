// npm start, before the service itself: reports errors that would stop the service before anything is compiled, then builds dist/.
import process from 'node:process';
import './typescript.mjs';

const { assertEmbeddedAllowed, readSettings } = await import('../libs/config/src/read-settings.ts');
const { assertCanListen } = await import('../libs/http/src/server/listen-address.ts');

try {
  const settings = readSettings(process.env);
  if (settings.DATABASE_URL === undefined) assertEmbeddedAllowed(settings);
  await assertCanListen(settings);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
await import('./build.mjs');
