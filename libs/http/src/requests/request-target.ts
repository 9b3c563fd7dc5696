import { type IncomingMessage } from 'node:http';

/** `scheme://authority` before the path of a target in absolute form (RFC 9112, section 3.2.2). */
const ORIGIN_OF_TARGET = /^([a-z][\w+.-]*):\/\/([^/?#]*)/i;
const SLASH = 47;

/** The parts of a target in absolute form before its path and query. */
export interface TargetOrigin {
  readonly scheme: string;
  readonly authority: string;
}

/** A request as the server routes it: `url` begins with `/`, and `originalUrl` is the target as it was sent. */
export type RoutedMessage = Pick<IncomingMessage, 'url' | 'method'> & { readonly originalUrl?: string };

/** The target as it was sent. */
export const sentTarget = ({ originalUrl, url = '/' }: RoutedMessage): string => originalUrl ?? url;

/** The path of a request target, without its query: queries may hold secrets, which logs and responses must not repeat. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end === -1 ? target : target.slice(0, end);
}

/** Scheme and authority of a target in absolute form; undefined for every other target. */
export function originOf(target: string): TargetOrigin | undefined {
  if (target.charCodeAt(0) === SLASH) return undefined;
  const [, scheme, authority] = ORIGIN_OF_TARGET.exec(target) ?? [];
  return scheme === undefined || authority === undefined ? undefined : { scheme: scheme.toLowerCase(), authority };
}

/** The path and query of a target. A target that is neither in origin form nor in absolute form (`*`, `host:port`) is unchanged. */
export function withoutOrigin(target: string): string {
  if (target.charCodeAt(0) === SLASH) return target;
  const origin = ORIGIN_OF_TARGET.exec(target);
  if (!origin) return target;
  const rest = target.slice(origin[0].length);
  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
}

/** Replaces a target that the router cannot handle; the first checks of the request refuse it then. */
export const UNROUTABLE = '/';

/**
 * The target that is passed to the router. The router would respond by itself, or not at all, to a target that is no path or
 * cannot be decoded; such a target becomes {@link UNROUTABLE}, so that the request passes all hooks like every other one.
 */
export function routedTarget({ url = UNROUTABLE }: RoutedMessage): string {
  const target = withoutOrigin(url);
  if (target.charCodeAt(0) !== SLASH) return UNROUTABLE;
  if (!target.includes('%')) return target;
  const mark = target.indexOf('?');
  return isDecodable(mark === -1 ? target : target.slice(0, mark)) ? target : UNROUTABLE;
}

/** Whether percent escapes can be decoded to UTF-8. */
function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
