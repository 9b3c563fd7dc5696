import { type Socket } from 'node:net';

/**
 * What a function reads of a socket once it is connected. The socket is closed in any case.
 * @throws Error when the connection fails
 */
export async function whenConnected<T>(socket: Socket, read: (socket: Socket) => T): Promise<T> {
  try {
    return await new Promise<T>((resolve, reject) => {
      socket.once('connect', () => resolve(read(socket)));
      socket.on('error', reject);
    });
  } finally {
    socket.destroy();
  }
}
