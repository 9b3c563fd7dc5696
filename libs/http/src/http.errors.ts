import { DomainError, shownText } from '@coordination/kernel';

export class RouteNotFoundError extends DomainError {
  readonly code = 'ROUTE_NOT_FOUND';

  constructor(method: string, path: string) {
    super(`Nothing is served at ${method} ${path}. See /docs for the routes that exist.`);
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
    const limit = limitBytes === undefined ? 'what is allowed here' : `the ${limitBytes} bytes that are allowed here`;
    super(`The body is larger than ${limit}. Send less at once.`);
  }
}

export class UnsupportedMediaTypeError extends DomainError {
  readonly code = 'UNSUPPORTED_MEDIA_TYPE';

  constructor(contentType: string | undefined, accepted: readonly string[]) {
    super(
      `${contentType ? `The content type ${contentType}` : 'A body without a Content-Type'} is not understood. ` +
        `Send ${accepted.join(' or ')}.`,
    );
  }
}

export class UnsupportedEncodingError extends DomainError {
  readonly code = 'UNSUPPORTED_MEDIA_TYPE';

  constructor(encoding: string) {
    super(`A body that is encoded as ${encoding} is not understood. Send it without Content-Encoding.`);
  }
}

/** A bug of ours, or something that nobody thought of; its cause goes to the log alone. */
export class InternalError extends DomainError {
  readonly code = 'INTERNAL_ERROR';

  constructor() {
    super('Something went wrong inside the service. Its log has the cause under the request id.');
  }
}
