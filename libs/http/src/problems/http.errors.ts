import { DomainError, shownText, ValidationFailedError } from '@coordination/kernel';
import { publicPath } from './problem.js';

export class RouteNotFoundError extends DomainError {
  readonly code = 'ROUTE_NOT_FOUND';

  /** @param base comes before paths of this service in links */
  constructor(method: string, path: string, base: string) {
    super(`Nothing is served at ${method} ${publicPath(base, path)}. See ${base}/docs for the routes that exist.`);
  }
}

export class CorsRefusedError extends DomainError {
  readonly code = 'CORS_REFUSED';

  /** @param isOn whether any origins may call */
  constructor(origin: string, isOn: boolean) {
    const why = isOn ? 'it is not one of PCS_CORS_ORIGINS' : 'CORS is off, because PCS_CORS_ORIGINS has no origins';
    super(`Browsers may not call from the origin ${shownText(origin)}: ${why}. Add it there to allow it.`);
  }
}

export class MethodNotAllowedError extends DomainError {
  readonly code = 'METHOD_NOT_ALLOWED';

  constructor(method: string, path: string, allow: readonly string[]) {
    super(`${path} does not take ${method}, but ${allow.join(', ')}.`, { allow });
  }
}

export class PayloadTooLargeError extends DomainError {
  readonly code = 'PAYLOAD_TOO_LARGE';

  constructor(limitBytes: number | undefined) {
    const limit =
      limitBytes === undefined ? 'the limit of this route' : `the ${limitBytes} bytes that are allowed here`;
    super(`The body is larger than ${limit}. Send less at once.`);
  }
}

export class UnsupportedMediaTypeError extends DomainError {
  readonly code = 'UNSUPPORTED_MEDIA_TYPE';

  constructor(contentType: string | undefined, accepted: readonly string[]) {
    super(
      `${contentType ? `The content type ${contentType}` : 'A body without a Content-Type'} is not supported. ` +
        `Send ${accepted.join(' or ')}.`,
    );
  }
}

export class UnsupportedEncodingError extends DomainError {
  readonly code = 'UNSUPPORTED_MEDIA_TYPE';

  constructor(encoding: string) {
    super(`A body that is encoded as ${encoding} is not supported. Send it without Content-Encoding.`);
  }
}

/** The host of a request cannot be read, so later requests on the connection may be misinterpreted, too. */
export class BadHostError extends ValidationFailedError {
  constructor(message: string, path = '/header/host') {
    super([{ path, message }]);
  }
}

/** The most characters of a host that a message repeats: the longest DNS name with a port. */
const MAX_SHOWN_HOST = 260;

export class MisdirectedRequestError extends DomainError {
  readonly code = 'MISDIRECTED_REQUEST';

  /** @param authority the host of the request; @param listenHost HOST */
  static ofHost(authority: string, listenHost: string): MisdirectedRequestError {
    return new MisdirectedRequestError(
      `The request is for the host ${JSON.stringify(authority.slice(0, MAX_SHOWN_HOST))}, which is not one that this service answers to: it listens on ${listenHost}. ` +
        'If clients, or a proxy that passes their Host on, rightly use this host, set PCS_PUBLIC_URL to the URL that clients use, or add the host to PCS_ALLOWED_HOSTS; or let the proxy send the address of the service as Host.',
    );
  }

  static ofScheme(scheme: string): MisdirectedRequestError {
    return new MisdirectedRequestError(
      `The target of the request has the scheme ${scheme.slice(0, MAX_SHOWN_HOST)}, and this service answers to http. Send the path alone as the target, or an http URL.`,
    );
  }
}

export class NoProxyError extends DomainError {
  readonly code = 'METHOD_NOT_ALLOWED';

  constructor() {
    super('CONNECT requests a tunnel to another host, and this service is no proxy.', { allow: [] });
  }
}

export class ExpectationFailedError extends DomainError {
  readonly code = 'EXPECTATION_FAILED';

  constructor(expectation: string) {
    super(
      `This service does not support the expectation of the header Expect: ${JSON.stringify(expectation.slice(0, MAX_SHOWN_HOST))}. Send the request without it, or with Expect: 100-continue.`,
    );
  }
}

/** An unexpected error, most likely a bug; only the log has its cause. */
export class InternalError extends DomainError {
  readonly code = 'INTERNAL_ERROR';

  constructor() {
    super('An unexpected error occurred inside the service. Its log has the cause under the request id.');
  }
}
