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

/** What of a request decides about links. */
type Asked = Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string | undefined } };

const PREFIX_HEADER = 'x-forwarded-prefix';

declare module 'fastify' {
  interface FastifyInstance {
    /** Set by `createHttpAdapter`. */
    readonly ownLinks: OwnLinks;
  }
}

/**
 * Links to this service in its own answers. A proxy may serve it below a path prefix that it takes off, so that the service
 * does not see it: then PCS_PUBLIC_URL tells it, or, for each request, the `X-Forwarded-Prefix` of a trusted proxy.
 */
export class OwnLinks {
  /** PCS_PUBLIC_URL where it has a path prefix; empty otherwise, since without one all links are right as they are. */
  private readonly publicBase: string;
  private readonly isTrusted: TrustTest | undefined;
  private hasWarned = false;

  constructor({ PCS_PUBLIC_URL, PCS_TRUSTED_PROXIES }: LinkSettings) {
    const hasPrefix = PCS_PUBLIC_URL !== undefined && new URL(PCS_PUBLIC_URL).pathname !== '/';
    this.publicBase = hasPrefix ? PCS_PUBLIC_URL : '';
    if (!hasPrefix && PCS_TRUSTED_PROXIES.length > 0) this.isTrusted = trustIn(PCS_TRUSTED_PROXIES);
  }

  /** The base where there is no request to ask: that of PCS_PUBLIC_URL, or none. */
  get fixedBase(): string {
    return this.publicBase;
  }

  /**
   * What goes before a path of this service to make a link of it: PCS_PUBLIC_URL, the prefix of the proxy, or nothing. A
   * prefix that cannot be used is as none: whoever made it up gets links without it.
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
   * A reference to a path of this service for a `Location` header. With PCS_PUBLIC_URL alone nobody can tell who came through
   * the proxy and who did not, so it is relative to the path that was asked, which is right for both (RFC 9110, 10.2.2).
   */
  locationOf(request: FastifyRequest, path: string): string {
    if (this.publicBase === '') return this.baseFor(request.raw) + path;
    // The pattern has as many segments as the path, whatever names were asked.
    return posix.relative(posix.dirname(request.routeOptions.url ?? '/'), path);
  }

  /** Tells caches that an answer has links that depend on the proxy. */
  markVarying(reply: FastifyReply): void {
    if (this.isTrusted !== undefined) addVary(reply, 'X-Forwarded-Prefix');
  }

  /** Each request of the proxy may have the same fault. */
  private warnOnce(proxy: string | undefined): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    new Logger('Http').warn(
      `The X-Forwarded-Prefix of the proxy ${proxy} is ignored, so links lack its prefix. It must be one path such as /pcs, ` +
        `of letters, digits and . _ ~ -, and at most ${MAX_PREFIX_LENGTH} characters. Mend the proxy, or set PCS_PUBLIC_URL.`,
    );
  }
}

/** A reference to a path of this service for the `Location` of an answer: right behind a path prefix, and without one. */
export const locationOf = (reply: FastifyReply, path: string): string =>
  reply.server.ownLinks.locationOf(reply.request, path);
