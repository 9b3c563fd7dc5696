import { type RequestClass } from '@coordination/scheduling';
import { type RouteOptions } from 'fastify';
import { pathOf } from '../requests/request-target.js';
import { type WireProtocol } from './wire-protocol.js';

interface Route {
  readonly url: string;
  readonly segments: readonly string[];
  readonly methods: readonly string[];
  readonly work: RequestClass | undefined;
}

/**
 * The routes that exist, to distinguish an unknown path from a method that a path does not support. A path belongs to the most
 * specific route: `/instances/batch` is no instance with the id `batch`.
 */
export class RouteTable {
  private readonly routes: Route[] = [];
  /** Paths of specific routes that a route with parameters matches, too, by the URL of the route with parameters. */
  private readonly shadowed = new Map<string, Set<string>>();
  private readonly protocols = new Set<WireProtocol>();

  add({ url, method, config }: Pick<RouteOptions, 'url' | 'method' | 'config'>): void {
    if (config?.protocol) this.protocols.add(config.protocol);
    const added: Route = { url, segments: segmentsOf(url), methods: [method].flat(), work: config?.work };
    for (const route of this.routes) this.noteShadow(route, added);
    for (const route of this.routes) this.noteShadow(added, route);
    this.routes.push(added);
  }

  /** The methods that a path (without its query) supports; none for an unknown path. */
  methodsOf(path: string): string[] {
    const segments = segmentsOf(path);
    const matching = this.routes.filter(route => matches(route.segments, segments));
    const named = matching.filter(({ url }) => url === path);
    const methods = (named.length > 0 ? named : matching).flatMap(route => route.methods);
    return [...new Set(methods)].sort();
  }

  /** Whether a route of the class `liveness` takes the method for a path (without its query). */
  isLiveness(method: string, path: string): boolean {
    const segments = segmentsOf(path);
    return this.routes.some(
      route => route.work === 'liveness' && route.methods.includes(method) && matches(route.segments, segments),
    );
  }

  /** The protocol that a path (without its query) belongs to by its prefix; undefined: the native API. */
  protocolOf(path: string): WireProtocol | undefined {
    for (const protocol of this.protocols) {
      if (path === protocol.prefix || path.startsWith(`${protocol.prefix}/`)) return protocol;
    }
    return undefined;
  }

  /** Whether a more specific route than the matched one exists for the path. Called for every request. */
  isShadowed(url: string | undefined, target: string): boolean {
    const paths = url === undefined ? undefined : this.shadowed.get(url);
    return paths !== undefined && paths.has(pathOf(target));
  }

  private noteShadow(general: Route, exact: Route): void {
    if (general.url === exact.url || isPattern(exact.segments)) return;
    if (!matches(general.segments, exact.segments)) return;
    this.shadowed.set(general.url, (this.shadowed.get(general.url) ?? new Set()).add(exact.url));
  }
}

const isPattern = (segments: readonly string[]): boolean =>
  segments.some(segment => segment === '*' || segment.startsWith(':'));

const segmentsOf = (path: string): string[] => path.split('/');

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  if (pattern.at(-1) === '*') {
    return path.length >= pattern.length && pattern.slice(0, -1).every((part, index) => part === path[index]);
  }
  return (
    pattern.length === path.length &&
    pattern.every((part, index) => part === path[index] || (part.startsWith(':') && path[index] !== ''))
  );
}
