import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { type Socket } from 'node:net';

/**
 * Sends what Node.js would answer by itself, or not at all, through the handler of all requests: an `Expect`, which the
 * handler judges before the body is sent, and CONNECT.
 */
export function routeEverything(server: Server): void {
  const handle = (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response);
  server.on('checkContinue', handle);
  server.on('checkExpectation', handle);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    // Node.js has let go of the connection, which is one for a tunnel to it: it ends with the answer.
    socket.on('error', () => socket.destroy());
    socket.resume();
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.destroySoon());
    handle(request, response);
  });
}
