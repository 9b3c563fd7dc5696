import { type RouteOptions } from 'fastify';

interface Route {
  readonly segments: readonly string[];
  readonly methods: readonly string[];
}

/** The routes that exist, to tell an unknown path from a method that a known path does not take. */
export class RouteTable {
  private readonly routes: Route[] = [];

  add({ url, method }: Pick<RouteOptions, 'url' | 'method'>): void {
    this.routes.push({ segments: segmentsOf(url), methods: [method].flat() });
  }

  /** The methods that a path (without its query) takes; none if nothing is served there. */
  methodsOf(path: string): string[] {
    const segments = segmentsOf(path);
    const methods = this.routes.filter(route => matches(route.segments, segments)).flatMap(route => route.methods);
    return [...new Set(methods)].sort();
  }
}

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
