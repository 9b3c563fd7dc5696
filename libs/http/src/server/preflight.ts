import { type FastifyRequest } from 'fastify';
import { CorsRefusedError } from '../problems/http.errors.js';

/**
 * Whether a browser asks if a page of another origin may call (Fetch standard, CORS-preflight request); the hook for CORS
 * answers those that may.
 */
export const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

/**
 * For preflights of origins that may not call.
 * @param origins those that may
 */
export function complaintAboutPreflight(
  request: FastifyRequest,
  origins: readonly string[],
): CorsRefusedError | undefined {
  if (!isPreflight(request)) return undefined;
  const origin = request.headers.origin ?? '';
  return origins.includes(origin) ? undefined : new CorsRefusedError(origin, origins.length > 0);
}
