import { type InstanceRecord, type ProbedCheck } from '@coordination/catalog';
import { type ProbePolicy } from '@coordination/registry';
import { type Destination, findDestination, ForbiddenDestinationError } from './destination.js';
import { probeGrpc } from './grpc-probe.js';
import { probeHttp } from './http-probe.js';
import { type NameResolver } from './name-resolver.js';
import { failedBy, forbidden, type ProbeOutcome, timedOut } from './probe-outcome.js';
import { probeTcp } from './tcp-probe.js';

const MS = 1_000;

/** What is probed: where it is, and how. */
export type ProbeTarget = Pick<InstanceRecord, 'scheme' | 'host' | 'port'> & { readonly check: ProbedCheck };

/** Carries out single probes: where policy allows, and within their time, whatever the other side does. */
export class Prober {
  constructor(
    private readonly policy: ProbePolicy,
    private readonly resolver: NameResolver,
  ) {}

  /** What a probe finds. Never fails; undefined when it was called off. */
  async probe(target: ProbeTarget, calledOff: AbortSignal): Promise<ProbeOutcome | undefined> {
    const { timeoutSeconds } = target.check;
    const limit = AbortSignal.timeout(timeoutSeconds * MS);
    const signal = AbortSignal.any([calledOff, limit]);
    try {
      const outcome = await orAborted(this.attempt(target, signal), signal);
      return calledOff.aborted ? undefined : outcome;
    } catch (error) {
      if (calledOff.aborted) return undefined;
      if (limit.aborted) return timedOut(timeoutSeconds);
      return error instanceof ForbiddenDestinationError ? forbidden(error.message) : failedBy(error);
    }
  }

  private async attempt(target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
    const destination = await findDestination(target, this.resolver, this.policy);
    // The name service may have taken all of the time.
    signal.throwIfAborted();
    return await probeAt(destination, target, signal);
  }
}

async function probeAt(
  destination: Destination,
  { scheme, check }: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  switch (check.kind) {
    case 'http':
      return await probeHttp(destination, scheme, check, signal);
    case 'tcp':
      return await probeTcp(destination, signal);
    default:
      return await probeGrpc(destination, scheme, check, signal);
  }
}

/** Look-ups of names cannot be ended; they are left behind. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    work.catch(() => undefined);
  }
}
