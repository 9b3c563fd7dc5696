import { STATUS_CODES } from 'node:http';
import { readable } from '@coordination/kernel';

/** How a probe ended, for metrics: `forbidden` is what policy does not let us contact. */
export type ProbeResult = 'success' | 'failure' | 'timeout' | 'forbidden';

/** What one probe found. */
export interface ProbeOutcome {
  readonly result: ProbeResult;
  /** For people; bounded, and such that it can be stored. */
  readonly output: string;
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

/** A failure from an error of a socket, a name or a protocol. */
export const failedBy = (error: unknown): ProbeOutcome => failed(messageOf(error));

/** The beginning of a text, without what PostgreSQL cannot store and what people do not see. */
export const storable = (text: string): string => readable(text.slice(0, MAX_OUTPUT));

/** What an HTTP answer looks like to people. */
export const httpOutput = (status: number, body: Buffer): string => {
  const line = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return body.length === 0 ? line : `${line}: ${body.toString('utf8')}`;
};

/** An error of several addresses has the errors in it, and no message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
