import { STATUS_CODES } from 'node:http';
import { errorText, readable } from '@coordination/kernel';
import { type NodeFault } from '@coordination/catalog';

/**
 * How a probe ended, for metrics. `forbidden`: the policy does not allow to contact the endpoint. `node`: this node was not able
 * to probe it, which says nothing about the instance and does not count.
 */
export type ProbeResult = 'success' | 'failure' | 'timeout' | 'forbidden' | 'node';

/** The outcome of one probe. */
export interface ProbeOutcome {
  readonly result: ProbeResult;
  /** For people; bounded, and without characters that PostgreSQL cannot store. */
  readonly output: string;
  /** With the result `node`: what this node lacked. */
  readonly fault?: NodeFault;
}

/** The most characters of output that are kept, and the most bytes of a body that are read. */
export const MAX_OUTPUT = 4_096;

export const succeeded = (output: string): ProbeOutcome => ({ result: 'success', output: storable(output) });
export const failed = (output: string): ProbeOutcome => ({ result: 'failure', output: storable(output) });
export const forbidden = (output: string): ProbeOutcome => ({ result: 'forbidden', output: storable(output) });
export const timedOut = (seconds: number): ProbeOutcome => ({
  result: 'timeout',
  output: `No answer within ${seconds} s.`,
});

/** This node was not able to probe: the outcome does not count. */
export const notCounted = (fault: NodeFault, output: string): ProbeOutcome => ({
  result: 'node',
  output: storable(output),
  fault,
});

/** A failure from an error of a socket, a name or a protocol. */
export const failedBy = (error: unknown): ProbeOutcome => failed(messageOf(error));

/** The beginning of a text, without characters that PostgreSQL cannot store, or that are invisible. */
export const storable = (text: string): string => readable(text.slice(0, MAX_OUTPUT));

/** Describes an HTTP response for people. */
export const httpOutput = (status: number, body: Buffer): string => {
  const line = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return body.length === 0 ? line : `${line}: ${body.toString('utf8')}`;
};

/** An error of several addresses has no message of its own, but the errors of each. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return errorText(error);
}
