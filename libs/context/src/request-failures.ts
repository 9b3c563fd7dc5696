import { callerFields } from './caller-fields.js';

/** Why a request failed, for its line in the log. */
export interface RequestFailure {
  /** The error code that the caller got. */
  readonly code: string;
  /** The cause, such as an SQLSTATE. */
  readonly because?: string | undefined;
  /** The path of the request, without its query. */
  readonly path: string;
  /** Whether the response had begun, so that it was cut short. */
  readonly isCut: boolean;
  /** Whether the failure has been logged already. */
  readonly isLogged: boolean;
  /** The caller, as on each line that is written while a request is served. */
  readonly caller: object;
}

const failures = new WeakMap<object, RequestFailure>();

/** Records why a request fails, for the one line that is logged when it ends. */
export function noteFailure(request: object, failure: Omit<RequestFailure, 'caller'>): void {
  failures.set(request, { ...failure, caller: callerFields() });
}

/** Why a request failed; undefined if that was not recorded. */
export const failureOf = (request: object): RequestFailure | undefined => failures.get(request);
