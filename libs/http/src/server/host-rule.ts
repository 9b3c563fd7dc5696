import { type IncomingMessage } from 'node:http';
import { type Settings } from '@coordination/config';
import {
  asAuthority,
  type DomainError,
  hostOfAuthority,
  isLoopbackHost,
  isUnspecified,
  listensOnLoopback,
} from '@coordination/kernel';
import { BadHostError, MisdirectedRequestError } from '../problems/http.errors.js';
import { originOf, sentTarget } from '../requests/request-target.js';

/** The settings that determine which hosts requests may name. */
export type HostSettings = Pick<Settings, 'HOST' | 'PCS_ALLOWED_HOSTS'> &
  Partial<Pick<Settings, 'PCS_ADVERTISED_HOST' | 'PCS_PUBLIC_URL'>>;

const SUBDOMAINS = '*.';
const HTTP = 'http';

/**
 * Which hosts a request may name. A service that listens on loopback trusts every client that can reach it; a web page could,
 * by a name of its own whose address becomes 127.0.0.1 (DNS rebinding). The browser sends that name in `Host`, so unknown
 * names are refused, before the body is read and the handler is called. On other addresses hosts are checked only if
 * PCS_ALLOWED_HOSTS is set, because probes and scrapers send the addresses of pods. Ports do not matter.
 */
export class HostRule {
  private readonly names: ReadonlySet<string>;
  private readonly suffixes: readonly string[];
  private readonly schemes: ReadonlySet<string>;
  /** Whether hosts are checked at all. */
  private readonly isStrict: boolean;
  /** The last accepted host; nearly all requests name the same one. */
  private lastAccepted: string | undefined;

  constructor(private readonly settings: HostSettings) {
    const { HOST, PCS_ALLOWED_HOSTS, PCS_ADVERTISED_HOST, PCS_PUBLIC_URL } = settings;
    const publicUrl = PCS_PUBLIC_URL === undefined ? null : URL.parse(PCS_PUBLIC_URL);
    const listed = PCS_ALLOWED_HOSTS.filter(pattern => !isWildcard(pattern));
    const own = [PCS_ADVERTISED_HOST, isUnspecified(HOST) ? undefined : HOST].filter(host => host !== undefined);
    const authorities = [...[...listed, ...own].map(asAuthority), ...(publicUrl ? [publicUrl.host] : [])];
    this.names = new Set(authorities.map(hostOfAuthority).filter(host => host !== undefined));
    this.suffixes = PCS_ALLOWED_HOSTS.filter(isWildcard).map(pattern => pattern.slice(1));
    this.schemes = new Set([HTTP, publicUrl?.protocol.slice(0, -1) ?? HTTP]);
    this.isStrict = PCS_ALLOWED_HOSTS.length > 0 || listensOnLoopback(HOST);
  }

  /**
   * What is wrong with the host of a request, if anything. A target in absolute form takes precedence over `Host` (RFC 9112,
   * section 3.2.2). HTTP/1.0 needs no host, and browsers do not use it.
   */
  complaintAbout(raw: IncomingMessage): DomainError | undefined {
    const { host } = raw.headers;
    if (host === undefined) {
      if (raw.httpVersionMajor === 1 && raw.httpVersionMinor === 0) return this.complaintAboutTarget(raw);
      return new BadHostError('is required with HTTP/1.1');
    }
    if (isRepeated(raw)) return new BadHostError('must be sent once');
    if (host === this.lastAccepted && originOf(sentTarget(raw)) === undefined) return undefined;
    if (host !== NONE && hostOfAuthority(host) === undefined) return new BadHostError(NO_HOST);
    return originOf(sentTarget(raw)) ? this.complaintAboutTarget(raw) : this.complaintAboutHost(host);
  }

  private complaintAboutTarget(raw: IncomingMessage): DomainError | undefined {
    const origin = originOf(sentTarget(raw));
    if (!origin) return undefined;
    if (!this.schemes.has(origin.scheme)) return MisdirectedRequestError.ofScheme(origin.scheme);
    if (hostOfAuthority(origin.authority) === undefined) return new BadHostError(NO_HOST, '/path');
    return this.complaintAboutHost(origin.authority);
  }

  private complaintAboutHost(authority: string): DomainError | undefined {
    if (this.isStrict && !this.isKnown(hostOfAuthority(authority) ?? '')) {
      return MisdirectedRequestError.ofHost(authority, this.settings.HOST);
    }
    this.lastAccepted = authority;
    return undefined;
  }

  private isKnown(host: string): boolean {
    return isLoopbackHost(host) || this.names.has(host) || this.suffixes.some(suffix => host.endsWith(suffix));
  }
}

/** The `Host` of clients that were given a URL without a host (RFC 9112, section 3.2). */
const NONE = '';

const isWildcard = (pattern: string): boolean => pattern.startsWith(SUBDOMAINS);

const NO_HOST = 'must be a host with an optional port, such as 127.0.0.1:8081';

/** Whether there are several `Host` headers, of which Node.js keeps the first. */
function isRepeated({ rawHeaders }: IncomingMessage): boolean {
  let seen = 0;
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n]!;
    if (name.length === HOST_LENGTH && name.toLowerCase() === 'host') seen += 1;
  }
  return seen > 1;
}

const HOST_LENGTH = 4;
