import { type Socket } from 'node:net';
import { type FastifyInstance } from 'fastify';

/**
 * Ends connections on which nothing was ever sent when the server closes. Browsers and load balancers open such; Node.js
 * counts them as connections with a request under way, and would wait for that until the time of a request is over.
 */
export function endSilentConnections(instance: FastifyInstance): void {
  const open = new Set<Socket>();
  instance.server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  instance.addHook('preClose', done => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    done();
  });
}
