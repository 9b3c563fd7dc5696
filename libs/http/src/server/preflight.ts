import { type FastifyRequest } from 'fastify';
import { CorsRefusedError } from '../problems/http.errors.js';

/**
 * Whether a request is a CORS preflight (Fetch standard): a browser asks whether a page of another origin may call. The CORS
 * hook responds to preflights of allowed origins.
 */
export const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

/**
 * The error for the preflight of an origin that is not allowed.
 * @param origins the allowed origins
 */
export function complaintAboutPreflight(
  request: FastifyRequest,
  origins: readonly string[],
): CorsRefusedError | undefined {
  if (!isPreflight(request)) return undefined;
  const origin = request.headers.origin ?? '';
  return origins.includes(origin) ? undefined : new CorsRefusedError(origin, origins.length > 0);
}
