import { type FastifyReply } from 'fastify';

/** Adds the name of a request header to the `Vary` header of a response (RFC 9110). */
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
