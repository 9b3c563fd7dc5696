import { type OpenAPIObject } from '@nestjs/swagger';
import { ERROR_PAGES, publicPath } from '../problems/problem.js';

/**
 * The document for clients that reach the service below a base: with its server, and its links in the examples of problems.
 * @param base comes before paths of this service in links
 */
export function documentBelow(base: string, document: OpenAPIObject): OpenAPIObject {
  if (base === '') return document;
  const below = withLinksBelow(base, document) as OpenAPIObject;
  return { ...below, servers: [{ url: base, description: 'Where clients reach the service' }] };
}

function withLinksBelow(base: string, node: unknown): unknown {
  if (typeof node === 'string') return node.startsWith(`${ERROR_PAGES}/`) ? base + node : node;
  if (Array.isArray(node)) return node.map(child => withLinksBelow(base, child));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [
      key,
      key === 'instance' && typeof child === 'string' ? publicPath(base, child) : withLinksBelow(base, child),
    ]),
  );
}
