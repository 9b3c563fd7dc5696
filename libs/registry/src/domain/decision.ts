import { type AuditAction } from '@coordination/log';
import { type DomainError } from '@coordination/kernel';
import { type LeasedInstance } from '@coordination/catalog';

/** When and where in the log a command is decided. */
export interface Moment {
  /** The time of the log, which events get (RFC 3339 in UTC): it never falls along revisions. It dates, and decides nothing. */
  readonly now: string;
  /**
   * What the clock of the database says. All that is compared with a time later is dated and judged by it: leases, since
   * when something is so, and until when. It falls when the clock is set back, which `now` does not.
   */
  readonly clock: string;
  /** The revision that a change gets. */
  readonly revision: number;
  readonly actor: string;
}

/** A sign of life that an unchanged instance gave, to be noted outside the log. */
export type LeaseEffect = 'renewal' | 'report' | 'none';

/** What a command comes to. */
export type Decision =
  | {
      readonly kind: 'changed';
      readonly action: AuditAction;
      readonly before: LeasedInstance | undefined;
      /** undefined: the instance is gone. */
      readonly after: LeasedInstance | undefined;
      /** Why, where the decision itself knows it; else what the caller says. */
      readonly reason?: string;
      /** Why, as the command says for itself; counts where the caller gives no reason for the request. */
      readonly statedReason?: string;
    }
  | { readonly kind: 'unchanged'; readonly current: LeasedInstance; readonly lifeSign: LeaseEffect }
  | { readonly kind: 'absent' }
  /** Another incarnation runs than the command speaks for. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'rejected'; readonly error: DomainError };
