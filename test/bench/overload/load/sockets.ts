// Raw sockets that ask and never read, or that do nothing at all, in a process of the lowest priority.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { serveParent } from '../../harness/serve-parent.js';
import { type SocketsQuestion, type SocketsRead } from './sockets-job.js';

/** How long (ms) a socket may take to connect, and how long those that read have until they are counted. */
const CONNECT_PATIENCE_MS = 5_000;
const READ_MS = 3_000;

const sockets: Socket[] = [];
let failed = 0;
let ended = 0;

async function open(url: string, text: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  // Paused before the first byte: Node.js would read as much as it may keep.
  socket.pause();
  socket.on('error', () => undefined);
  const connected = await Promise.race([
    once(socket, 'connect').then(
      () => true,
      () => false,
    ),
    delay(CONNECT_PATIENCE_MS, false, { ref: false }),
  ]);
  if (!connected) {
    failed += 1;
    socket.destroy();
    return;
  }
  socket.on('close', () => (ended += 1));
  sockets.push(socket);
  if (text !== '') socket.write(text);
}

async function read(): Promise<SocketsRead> {
  for (const socket of sockets) socket.resume();
  await delay(READ_MS);
  return { ended, open: sockets.length - ended, failed };
}

serveParent(async body => {
  const question = body as SocketsQuestion;
  if (question.ask === 'read') return await read();
  setPriority(constants.priority.PRIORITY_LOW);
  await Promise.all(Array.from({ length: question.sockets }, () => open(question.url, question.text)));
  return undefined;
});
