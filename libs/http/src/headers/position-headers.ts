import { type FastifyReply } from 'fastify';
import { type ResponseHeader } from './documented-headers.js';

/** Headers that name the revision of the catalog that a response is about. */
export const POSITION_HEADERS = ['X-Catalog-Revision', 'X-Catalog-Epoch'] as const satisfies ResponseHeader[];

/** Sets {@link POSITION_HEADERS}. */
export function setPosition(
  reply: FastifyReply,
  { revision, epoch }: { readonly revision: number; readonly epoch: string },
): void {
  reply.header('X-Catalog-Revision', revision).header('X-Catalog-Epoch', epoch);
}
