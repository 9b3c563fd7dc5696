import { Inject, Injectable } from '@nestjs/common';
import { type InstanceRecord, type ProbedCheck } from '@coordination/catalog';
import { Clock } from '@coordination/kernel';
import { ProbePolicy } from '@coordination/registry';
import { LoopDelay } from '@coordination/scheduling';
import { NameResolver } from '../names/name-resolver.js';
import { type Destination, findDestination, ForbiddenDestinationError } from './destination.js';
import { nodeFaultOf } from './node-faults.js';
import { failedBy, forbidden, messageOf, notCounted, type ProbeOutcome, timedOut } from './probe-outcome.js';
import { type ProbeKind } from './probe-kind.js';
import { proberOf } from './probe-kinds.js';
import { TimeLimit } from './time-limit.js';

const MS = 1_000;

/** The share of its time-out that a probe waits for a name server at most, and the longest time (ms). */
const SHARE_FOR_NAMES = 0.5;
const MAX_FOR_NAMES_MS = 3_000;

/** The endpoint to be probed, and the check by which. */
export type ProbeTarget = Pick<InstanceRecord, 'scheme' | 'host' | 'port'> & { readonly check: ProbedCheck };

/**
 * Carries out single probes, if the policy allows them. Each ends in time, whatever the probed endpoint does. A failure for
 * which this node lacked something has the result `node`.
 */
@Injectable()
export class Prober {
  constructor(
    private readonly policy: ProbePolicy,
    @Inject(NameResolver) private readonly resolver: Pick<NameResolver, 'resolve'>,
    private readonly clock: Clock,
    @Inject(LoopDelay) private readonly loop: Pick<LoopDelay, 'stalledMsSince'>,
  ) {}

  /** Probes once. It never fails. @returns undefined when the probe was called off */
  async probe(target: ProbeTarget, calledOff: AbortSignal): Promise<ProbeOutcome | undefined> {
    const { timeoutSeconds } = target.check;
    const withinMs = Math.min(timeoutSeconds * MS * SHARE_FOR_NAMES, MAX_FOR_NAMES_MS);
    try {
      const destination = await findDestination(target, this.resolver, this.policy, withinMs);
      const prober = await proberOf(target.check.kind);
      if (calledOff.aborted) return undefined;
      // The time-out begins here: the time that the name took, or loading, is not the instance's.
      return await this.contact(prober, target, destination, calledOff);
    } catch (error) {
      if (calledOff.aborted) return undefined;
      if (error instanceof ForbiddenDestinationError) return forbidden(error.message);
      const fault = await nodeFaultOf(error);
      return fault === undefined ? failedBy(error) : notCounted(fault, messageOf(error));
    }
  }

  /** @throws Error of the connection, unless it is over the time limit */
  private async contact(
    prober: ProbeKind<ProbedCheck>,
    { scheme, check }: ProbeTarget,
    destination: Destination,
    calledOff: AbortSignal,
  ): Promise<ProbeOutcome | undefined> {
    const limit = new TimeLimit(check.timeoutSeconds * MS, this.clock, this.loop);
    const signal = AbortSignal.any([calledOff, limit.signal]);
    try {
      const outcome = await orAborted(prober.probe({ destination, scheme, check, signal }), signal);
      return calledOff.aborted ? undefined : outcome;
    } catch (error) {
      if (calledOff.aborted) return undefined;
      if (limit.isVoid) return notCounted('stalled', 'This node was stalled during the probe.');
      if (limit.signal.aborted) return timedOut(check.timeoutSeconds);
      throw error;
    } finally {
      limit.clear();
    }
  }
}

/** Rejects when the signal is aborted; what goes on then is ignored. */
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
