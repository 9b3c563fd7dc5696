import { connect, type Socket } from 'node:net';
import { type Destination } from './destination.js';
import { type ProbeOutcome, succeeded } from './probe-outcome.js';

/**
 * Opens a connection, says nothing, and closes it.
 * @throws Error when nobody takes it
 */
export async function probeTcp({ host, port, lookup }: Destination, signal: AbortSignal): Promise<ProbeOutcome> {
  return await connected(connect({ host, port, lookup, autoSelectFamily: true, signal }), ({ remoteAddress }) =>
    succeeded(`Connected to ${remoteAddress} port ${port}.`),
  );
}

/** What a connection says once it is there; it is closed in any case. */
export async function connected<T>(socket: Socket, tell: (socket: Socket) => T): Promise<T> {
  try {
    return await new Promise<T>((resolve, reject) => {
      socket.once('connect', () => resolve(tell(socket)));
      socket.on('error', reject);
    });
  } finally {
    socket.destroy();
  }
}
