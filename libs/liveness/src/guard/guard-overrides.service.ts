import { type CallOrigin } from '@coordination/context';
import { type CatalogWriter, type WriteResult } from '@coordination/registry';
import { type GuardOrder, type GuardScope } from './guard-state.js';
import { type GuardRules } from './guard-rules.js';
import { type LivenessGuardRepository, type NewOrder } from './liveness-guard.repository.js';

/** What an operator wants, and who it is. */
export interface GuardRequest {
  readonly scope: GuardScope;
  readonly reason: string | null;
  readonly origin: CallOrigin;
}

export interface GuardOrdersTools {
  readonly writer: CatalogWriter;
  readonly guards: LivenessGuardRepository;
  readonly rules: GuardRules;
}

/**
 * What operators order of guards: events of the log, which take effect with the next sweep, within about a second.
 * @throws StoreUnavailableError, QueueFullError, OutcomeUnknownError as every write
 */
export class GuardOverrides {
  constructor(private readonly tools: GuardOrdersTools) {}

  /**
   * Lets go of a scope: what has ended ends, and no guard holds the scope again for the length of the window. Over all, it
   * also ends the guards of services, and the longer time of leases after the store was away.
   */
  async end({ scope, reason, origin }: GuardRequest): Promise<WriteResult> {
    const { windowMs } = this.tools.rules;
    return await this.order({ scope, kind: 'end', until: windowMs, reason, orderedBy: origin.actor }, origin);
  }

  /** Holds a scope until a time (RFC 3339), whatever the numbers say. The note tells until when, also to a repetition. */
  async force({ scope, reason, origin, until }: GuardRequest & Pick<GuardOrder, 'until'>): Promise<WriteResult> {
    return await this.order({ scope, kind: 'force', until, reason, orderedBy: origin.actor }, origin);
  }

  private async order(order: NewOrder, origin: CallOrigin): Promise<WriteResult> {
    const { writer, guards } = this.tools;
    const { scope, kind, until } = order;
    const after = {
      scope,
      ...(kind === 'force' && { until }),
      // The event has that of the request: the order's own would be nowhere in the log.
      ...(origin.reason !== null && order.reason !== null && { reason: order.reason }),
    };
    return await writer.submit({
      commands: [],
      origin: { ...origin, reason: origin.reason ?? order.reason },
      note: { until },
      systemEvent: {
        action: kind === 'end' ? 'liveness.guard_ended' : 'liveness.guard_forced',
        before: null,
        after,
        write: em => guards.putOrder(em, order),
      },
    });
  }
}
