import { type AuditAction } from '@coordination/log';
import { type DomainError } from '@coordination/kernel';
import { type LeasedInstance } from '@coordination/catalog';

/** When and where in the log a command is decided. */
export interface Moment {
  /** The time of the log, which dates events (RFC 3339 in UTC). It never decreases from one revision to the next. No decision depends on it. */
  readonly now: string;
  /**
   * The clock of the database. It dates and decides everything that is compared with a time later: leases, `since` and
   * `until`. Unlike `now`, it decreases when the clock is set back.
   */
  readonly clock: string;
  /** The revision that a change gets. */
  readonly revision: number;
  readonly actor: string;
}

/** The sign of life of an unchanged instance, to be recorded outside the log. */
export type LeaseEffect = 'renewal' | 'report' | 'none';

/** The decision about one command. */
export type Decision =
  | {
      readonly kind: 'changed';
      readonly action: AuditAction;
      readonly before: LeasedInstance | undefined;
      /** undefined: the instance is removed. */
      readonly after: LeasedInstance | undefined;
      /** The reason, where the decision itself has one; it replaces that of the caller. */
      readonly reason?: string;
      /** The reason in the command, which applies if the caller gives none for the request. */
      readonly statedReason?: string;
    }
  | { readonly kind: 'unchanged'; readonly current: LeasedInstance; readonly lifeSign: LeaseEffect }
  | { readonly kind: 'absent' }
  /** Another incarnation runs than the one that the command is for. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'rejected'; readonly error: DomainError };
