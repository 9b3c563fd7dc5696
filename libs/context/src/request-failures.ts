import { askerOfLine } from './asker-of-line.js';

/** Why a request was not served, for its line in the log. */
export interface RequestFailure {
  /** The code of the problem that the caller was told. */
  readonly code: string;
  /** What lies behind it, such as an SQLSTATE. */
  readonly because?: string | undefined;
  /** The path that was asked, without its query. */
  readonly path: string;
  /** Whether the answer had begun, so that it was cut short. */
  readonly isCut: boolean;
  /** Whether all of it has been logged already. */
  readonly isLogged: boolean;
  /** Who asked, as on every line that is written while a request is served. */
  readonly asker: object;
}

const failures = new WeakMap<object, RequestFailure>();

/** Notes why a request fails, so that the one line that is written of it tells this as well. */
export function noteFailure(request: object, failure: Omit<RequestFailure, 'asker'>): void {
  failures.set(request, { ...failure, asker: askerOfLine() });
}

/** Why a request failed; undefined where nobody has noted it. */
export const failureOf = (request: object): RequestFailure | undefined => failures.get(request);
