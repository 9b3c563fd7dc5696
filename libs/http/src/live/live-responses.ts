import { type ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance, type FastifyReply, type onSendHookHandler } from 'fastify';

/** A body of unknown length that writes itself to the response whenever there is something to send, such as a watch. */
export interface LiveBody {
  /**
   * Called once, when the headers of the response are set. From then on the body writes and ends the response. The client may
   * have disconnected already, so that the response is destroyed and emits no further `close`.
   */
  sendTo(response: ServerResponse): void;
}

/** What is handed to Fastify for a live body. It takes what has this method for a stream, and changes nothing of it. */
class LivePayload {
  constructor(readonly body: LiveBody) {}

  pipe(): never {
    throw new Error('A live body can only be sent by an application with HttpModule.');
  }
}

/** Sends a response with a live body. Its status and headers must be set. */
export function sendLive(reply: FastifyReply, body: LiveBody): void {
  void reply.send(new LivePayload(body));
}

/**
 * Sends live bodies, in the place of the part of Fastify that sends streams. That part observes both the stream and the response
 * for their ends, which makes several error objects with stack traces when a client disconnects. When thousands of watches end
 * at once, this is most of the work.
 */
@Injectable()
export class LiveResponses {
  constructor({ httpAdapter }: HttpAdapterHost) {
    // Hooks of routes run after those of the server, which must all have run.
    httpAdapter.getInstance<FastifyInstance>().addHook('onRoute', route => {
      route.onSend = [...[route.onSend ?? []].flat(), sendIfLive];
    });
  }
}

const sendIfLive: onSendHookHandler = (_request, reply, payload, done) => {
  if (!(payload instanceof LivePayload)) return done(null, payload);
  const { raw } = reply.hijack();
  if (!raw.destroyed) raw.writeHead(raw.statusCode, reply.getHeaders() as Record<string, string | string[]>);
  payload.body.sendTo(raw);
};
