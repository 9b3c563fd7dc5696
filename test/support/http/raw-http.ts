import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes as they are, and gives back all that was answered until the server closed the connection. */
export async function sendRaw(url: string, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (answer += chunk));
  // The server may cut the connection while a part is still being sent.
  socket.on('error', () => undefined);
  const closed = new Promise(resolve => socket.on('close', resolve));
  for (const part of parts) socket.write(part);
  await closed;
  return answer;
}

/** Sends bytes, and hangs up without waiting for anything. */
export async function hangUpAfter(url: string, bytes: string | Buffer): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await new Promise(resolve => socket.write(bytes, resolve));
  const closed = once(socket, 'close');
  socket.resetAndDestroy();
  await closed;
}
