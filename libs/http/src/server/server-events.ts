import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type Scheduler } from '@coordination/scheduling';

/**
 * Passes requests that Node.js would respond to by itself, or not at all, to the handler of all requests: those with `Expect`,
 * which the handler checks before the body is sent, and CONNECT.
 */
export function routeEverything(server: Server): void {
  const handle = (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response);
  server.on('checkContinue', handle);
  server.on('checkExpectation', handle);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    // Node.js has detached the connection for a tunnel: it must end with the response.
    socket.on('error', () => socket.destroy());
    socket.resume();
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.destroySoon());
    handle(request, response);
  });
}

/** Notifies the scheduler of each connection and request, also of those that Node.js passes on as other events. */
export function noteArrivals(server: Server, scheduler: Pick<Scheduler, 'noteArrival'>): void {
  const note = () => scheduler.noteArrival();
  server.on('connection', note);
  server.on('request', note);
}
