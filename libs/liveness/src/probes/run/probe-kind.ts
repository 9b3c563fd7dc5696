import { type ProbedCheck, type Scheme } from '@coordination/catalog';
import { type Destination } from './destination.js';
import { type ProbeOutcome } from './probe-outcome.js';

/** What one probe needs. */
export interface Probe<C extends ProbedCheck = ProbedCheck> {
  readonly destination: Destination;
  readonly scheme: Scheme;
  readonly check: C;
  readonly signal: AbortSignal;
}

/** Probes endpoints by one kind of check. */
export interface ProbeKind<C extends ProbedCheck> {
  /** @throws Error of the connection, of TLS or of the protocol */
  probe(probe: Probe<C>): Promise<ProbeOutcome>;
}
