import { isIP } from 'node:net';

/** How the resolver of the system is configured, as far as it decides which names are asked at which name servers. */
export interface ResolverConfig {
  /** The name servers in their order, as `Resolver.setServers` takes them; empty: the file names none. */
  readonly servers: readonly string[];
  /** Domains that are appended to names in turn, without a dot at either end; an empty one is the root. */
  readonly search: readonly string[];
  /** A name with so many dots is first asked as it is. */
  readonly ndots: number;
  /** Whether a name without a dot is also asked as it is (false: the option `no-tld-query`). */
  readonly asksSingleLabels: boolean;
}

/** The limits of resolv.conf(5): three name servers, and 15 for `ndots`. The search list has no limit there. */
const MAX_SERVERS = 3;
const MAX_NDOTS = 15;
const MAX_SEARCH = 32;

const DEFAULT_NDOTS = 1;

/** What decides beside the file: the name of the machine, and variables of the environment that resolv.conf(5) lists. */
export interface ResolverSurroundings {
  readonly hostname: string;
  /** The variable LOCALDOMAIN: the search list in place of the one of the file. */
  readonly localDomain?: string | undefined;
  /** The variable RES_OPTIONS: further options. */
  readonly options?: string | undefined;
}

/** Reads the text of a resolv.conf(5). Lines that it does not know are ignored, as the resolver of the system does. */
export function parseResolvConf(text: string, surroundings: ResolverSurroundings): ResolverConfig {
  const servers: string[] = [];
  let search: readonly string[] | undefined;
  let options: readonly string[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined && isServer(values[0])) servers.push(values[0]);
    // The last of several `search` and `domain` lines counts.
    else if (keyword === 'search' && values.length > 0) search = values;
    else if (keyword === 'domain' && values.length > 0) search = values.slice(0, 1);
    else if (keyword === 'options') options = [...options, ...values];
  }
  const { hostname, localDomain, options: further } = surroundings;
  if (localDomain !== undefined) search = wordsIn(localDomain);
  options = [...options, ...wordsIn(further ?? '')];
  return {
    servers: servers.slice(0, MAX_SERVERS),
    search: (search ?? domainOf(hostname)).slice(0, MAX_SEARCH).map(withoutDots),
    ndots: ndotsIn(options),
    asksSingleLabels: !options.includes('no-tld-query'),
  };
}

/**
 * The names that are asked for a host, in the order of the resolver of the system: as it is first if it has `ndots` dots,
 * otherwise last. A name that ends with a dot is asked only as it is.
 */
export function candidatesOf(host: string, { search, ndots, asksSingleLabels }: ResolverConfig): string[] {
  if (host.endsWith('.')) return [host.slice(0, -1)];
  const dots = host.split('.').length - 1;
  const searched = search.map(domain => (domain === '' ? host : `${host}.${domain}`));
  if (dots >= ndots) return unique([host, ...searched]);
  return unique(dots > 0 || asksSingleLabels || searched.length === 0 ? [...searched, host] : searched);
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];

const wordsIn = (text: string): string[] => text.split(/\s+/).filter(word => word !== '');

const withoutDots = (domain: string): string => domain.toLowerCase().replace(/^\.+|\.+$/g, '');

/** The domain of a machine whose name has one is its search list, if the file has none. */
function domainOf(hostname: string): string[] {
  const dot = hostname.indexOf('.');
  return dot === -1 || dot === hostname.length - 1 ? [] : [hostname.slice(dot + 1)];
}

function ndotsIn(options: readonly string[]): number {
  const given = options.findLast(option => /^ndots:\d+$/.test(option));
  return given === undefined ? DEFAULT_NDOTS : Math.min(MAX_NDOTS, Number(given.slice('ndots:'.length)));
}

/** An address, or an address with a port (`192.0.2.1:5353`, `[2001:db8::1]:5353`), which c-ares also accepts. */
function isServer(text: string): boolean {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(text) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const [, address] = /^([\d.]+):\d+$/.exec(text) ?? [];
  return isIP(address ?? text) !== 0;
}
