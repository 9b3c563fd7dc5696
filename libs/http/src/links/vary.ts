import { type FastifyReply } from 'fastify';

/** Adds the name of a request header to the `Vary` of an answer (RFC 9110), beside those that are there. */
export function addVary(reply: FastifyReply, name: string): void {
  const present = reply.getHeader('vary');
  if (present === undefined) {
    void reply.header('vary', name);
    return;
  }
  const names = new Set(
    String(present)
      .split(',')
      .map(part => part.trim().toLowerCase()),
  );
  if (names.has('*') || names.has(name.toLowerCase())) return;
  void reply.header('vary', `${String(present)}, ${name}`);
}
