import { type IncomingMessage } from 'node:http';
import { posix } from 'node:path';
import { Logger } from '@nestjs/common';
import { type Settings } from '@coordination/config';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { trustIn, type TrustTest } from '../requests/client-address.js';
import { forwardedPrefix, MAX_PREFIX_LENGTH } from './forwarded-prefix.js';
import { addVary } from './vary.js';

/** The settings that links depend on. */
export type LinkSettings = Pick<Settings, 'PCS_TRUSTED_PROXIES'> & Partial<Pick<Settings, 'PCS_PUBLIC_URL'>>;

/** The parts of a request that links depend on. */
type Asked = Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string | undefined } };

const PREFIX_HEADER = 'x-forwarded-prefix';

declare module 'fastify' {
  interface FastifyInstance {
    /** Set by `createHttpAdapter`. */
    readonly ownLinks: OwnLinks;
  }
}

/**
 * Links to this service in its responses. A proxy may serve it below a path prefix that it removes, so that the service does
 * not see the prefix: then PCS_PUBLIC_URL has it, or, for each request, the `X-Forwarded-Prefix` of a trusted proxy.
 */
export class OwnLinks {
  /** PCS_PUBLIC_URL if it has a path prefix; else empty, because links without a prefix need no base. */
  private readonly publicBase: string;
  private readonly isTrusted: TrustTest | undefined;
  private hasWarned = false;

  constructor({ PCS_PUBLIC_URL, PCS_TRUSTED_PROXIES }: LinkSettings) {
    const hasPrefix = PCS_PUBLIC_URL !== undefined && new URL(PCS_PUBLIC_URL).pathname !== '/';
    this.publicBase = hasPrefix ? PCS_PUBLIC_URL : '';
    if (!hasPrefix && PCS_TRUSTED_PROXIES.length > 0) this.isTrusted = trustIn(PCS_TRUSTED_PROXIES);
  }

  /** The base without a request: that of PCS_PUBLIC_URL, or none. */
  get fixedBase(): string {
    return this.publicBase;
  }

  /**
   * What comes before a path of this service in a link: PCS_PUBLIC_URL, the prefix of the proxy, or nothing. A prefix that
   * cannot be used is ignored.
   */
  baseFor({ headers, socket }: Asked): string {
    if (this.isTrusted === undefined) return this.publicBase;
    const header = headers[PREFIX_HEADER];
    if (header === undefined || !this.isTrusted(socket.remoteAddress ?? '')) return '';
    const prefix = forwardedPrefix(header);
    if (prefix === undefined) this.warnOnce(socket.remoteAddress);
    return prefix ?? '';
  }

  /**
   * A reference to a path of this service for a `Location` header. With PCS_PUBLIC_URL the service does not know whether a
   * request came through the proxy, so it is relative to the path of the request, which is right in both cases (RFC 9110,
   * 10.2.2).
   */
  locationOf(request: FastifyRequest, path: string): string {
    if (this.publicBase === '') return this.baseFor(request.raw) + path;
    // The pattern has as many segments as the path of the request.
    return posix.relative(posix.dirname(request.routeOptions.url ?? '/'), path);
  }

  /** Declares by `Vary` that the response has links that depend on the proxy. */
  markVarying(reply: FastifyReply): void {
    if (this.isTrusted !== undefined) addVary(reply, 'X-Forwarded-Prefix');
  }

  /** Logged once, because each request of the proxy may have the same fault. */
  private warnOnce(proxy: string | undefined): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    new Logger('Http').warn(
      `The X-Forwarded-Prefix of the proxy ${proxy} is ignored, so links lack its prefix. It must be one path such as /pcs, ` +
        `of letters, digits and . _ ~ -, and at most ${MAX_PREFIX_LENGTH} characters. Correct the proxy, or set PCS_PUBLIC_URL.`,
    );
  }
}

/** A reference to a path of this service for a `Location` header; right with and without a path prefix. */
export const locationOf = (reply: FastifyReply, path: string): string =>
  reply.server.ownLinks.locationOf(reply.request, path);
