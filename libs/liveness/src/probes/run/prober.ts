import { Injectable } from '@nestjs/common';
import { type InstanceRecord, type ProbedCheck } from '@coordination/catalog';
import { ProbePolicy } from '@coordination/registry';
import { findDestination, ForbiddenDestinationError } from './destination.js';
import { NameResolver } from './name-resolver.js';
import { failedBy, forbidden, type ProbeOutcome, timedOut } from './probe-outcome.js';
import { proberOf } from './probe-kinds.js';

const MS = 1_000;

/** The endpoint to be probed, and the check by which. */
export type ProbeTarget = Pick<InstanceRecord, 'scheme' | 'host' | 'port'> & { readonly check: ProbedCheck };

/** Carries out single probes, if the policy allows them. Each ends in time, whatever the probed endpoint does. */
@Injectable()
export class Prober {
  constructor(
    private readonly policy: ProbePolicy,
    private readonly resolver: NameResolver,
  ) {}

  /** Probes once. It never fails. @returns undefined when the probe was called off */
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

  private async attempt({ check, ...endpoint }: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
    const destination = await findDestination(endpoint, this.resolver, this.policy);
    // The look-up of the name may have used all of the time.
    signal.throwIfAborted();
    return await proberOf(check.kind).probe({ destination, scheme: endpoint.scheme, check, signal });
  }
}

/** Rejects when the signal is aborted. A look-up of a name cannot be aborted: it goes on, and its result is ignored. */
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
