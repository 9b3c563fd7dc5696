import { Inject, Injectable } from '@nestjs/common';
import { type CallOrigin } from '@coordination/context';
import { CatalogWriter, type WriteResult } from '@coordination/registry';
import { type GuardRules, guardRules } from './guard-rules.js';
import { type GuardOverride, type GuardScope } from './guard-state.js';
import { LivenessGuardRepository, type NewGuardOverride } from './liveness-guard.repository.js';

/** What an operator requests, and who the operator is. */
export interface GuardRequest {
  readonly scope: GuardScope;
  readonly reason: string | null;
  readonly origin: CallOrigin;
}

/**
 * Records operators' overrides of guards as events of the log. They take effect with the next sweep, within about a second.
 * @throws StoreUnavailableError, QueueFullError, OutcomeUnknownError as every write
 */
@Injectable()
export class GuardOverrides {
  constructor(
    private readonly writer: CatalogWriter,
    private readonly guards: LivenessGuardRepository,
    @Inject(guardRules) private readonly rules: GuardRules,
  ) {}

  /**
   * Ends the guard of a scope: expired leases end, and no guard holds the scope again for the length of the window. For all
   * services, it also ends the guards of single services, and the longer time of leases after an outage.
   */
  async end({ scope, reason, origin }: GuardRequest): Promise<WriteResult> {
    const { windowMs } = this.rules;
    return await this.put({ scope, kind: 'end', until: windowMs, reason, orderedBy: origin.actor }, origin);
  }

  /**
   * Holds a scope until a time (RFC 3339), whatever the counts are. The note of the result has that time, also when the
   * request is repeated.
   */
  async force({ scope, reason, origin, until }: GuardRequest & Pick<GuardOverride, 'until'>): Promise<WriteResult> {
    return await this.put({ scope, kind: 'force', until, reason, orderedBy: origin.actor }, origin);
  }

  private async put(override: NewGuardOverride, origin: CallOrigin): Promise<WriteResult> {
    const { writer, guards } = this;
    const { scope, kind, until } = override;
    const after = {
      scope,
      ...(kind === 'force' && { until }),
      // If the request has a reason of its own, the event has that one. The reason of the override is then kept here.
      ...(origin.reason !== null && override.reason !== null && { reason: override.reason }),
    };
    return await writer.submit({
      commands: [],
      origin: { ...origin, reason: origin.reason ?? override.reason },
      note: { until },
      systemEvent: {
        action: kind === 'end' ? 'liveness.guard_ended' : 'liveness.guard_forced',
        before: null,
        after,
        write: em => guards.putOverride(em, override),
      },
    });
  }
}
