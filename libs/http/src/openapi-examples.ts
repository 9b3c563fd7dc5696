/** Where `@Endpoint` leaves its examples until the document is finished. */
export const EXAMPLES_EXTENSION = 'x-examples';

/** Example values of one operation. Sent as they are, in the order of the document, they succeed. */
export interface OperationExamples {
  readonly body?: unknown;
  /** By name of the path, query or header parameter. Parameters without an example are left out of a trial. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly response?: unknown;
}
