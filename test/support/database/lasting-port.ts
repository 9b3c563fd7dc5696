import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give to connections and to servers that ask for any (from 32768 on Linux, later elsewhere). */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/**
 * A port of loopback for a server that will be killed and started again on it. One that the system gave might be given to
 * somebody else meanwhile, be it for a connection, and the server could not start again.
 */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
