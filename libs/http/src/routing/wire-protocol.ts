import { type CallSource } from '@coordination/context';
import { type DomainError } from '@coordination/kernel';

/** Converts a request body, which is not empty. @throws DomainError when it cannot */
export type BodyParser = (bytes: Buffer) => unknown;

/** Stands for every media type that a protocol does not name, and for bodies without a `Content-Type`. */
export const ANY_MEDIA_TYPE = '*/*';

/** The request that failed. */
export interface FailedCall {
  readonly requestId: string;
  readonly path: string;
  /** Whether it was about many things at once: then the version of one of them is no entity tag of the response. */
  readonly isForMany?: boolean;
  /** What comes before paths of this service in links; nothing by default. */
  readonly base?: string;
}

/** An error as a protocol sends it. The server adds the headers that HTTP asks for, such as `Retry-After` and `Allow`. */
export interface ErrorResponse {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * How the routes of another wire protocol differ from the native API, which has strict queries, JSON bodies, and errors as
 * problem documents. Controllers name their protocol with `@UseProtocol`.
 */
export interface WireProtocol {
  /** Recorded in the audit log with every change. */
  readonly source: CallSource;
  /** The path of its routes, such as `/eureka`. Unknown routes below it get errors of this protocol, too. */
  readonly prefix: string;
  /** Maps an error to a response; also errors that occur before the handler, such as a body that cannot be parsed. */
  readonly formatError: (error: DomainError, call: FailedCall) => ErrorResponse;
  /** The parsers of bodies by media type, in lower case; see {@link ANY_MEDIA_TYPE}. Default: JSON, as in the native API. */
  readonly bodyParsers?: Readonly<Record<string, BodyParser>>;
  /** Whether query parameters and bodies that an `@Endpoint` does not take are ignored instead of refused. */
  readonly isLenient?: boolean;
}
