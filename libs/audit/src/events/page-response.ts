import { JSON_MEDIA_TYPE, sendBody, setPosition } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { type PageAnswer } from './event-pages.js';

/** Sends a page of events or versions. */
export function sendPage(reply: FastifyReply, { body, compressed, head }: PageAnswer): void {
  setPosition(reply, head);
  reply.compressedForm = compressed;
  sendBody(reply.type(JSON_MEDIA_TYPE), body);
}
