import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type GuardNotices, GuardNoticeSlot } from '@coordination/discovery';
import { type GuardState, scopeKey } from '../guard/guard-state.js';
import { GuardStates } from '../guard/guard-states.js';

/** Provides the header by which responses about a service say that a guard is active. */
@Injectable()
export class ActiveGuardNotices implements GuardNotices, OnModuleInit {
  constructor(
    @Inject(GuardStates) private readonly states: Pick<GuardStates, 'of'>,
    @Inject(GuardNoticeSlot) private readonly slot: Pick<GuardNoticeSlot, 'attach'>,
  ) {}

  onModuleInit(): void {
    this.slot.attach(this);
  }

  of(namespace: string, service: string): string | undefined {
    const state = this.states.of(namespace, service);
    return state && noticeOf(state);
  }
}

/** A String (RFC 9651, section 3.3.3): printable ASCII, in which quotes and backslashes are escaped. */
const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, String.raw`\$&`)}"`;

/** Decimals of a structured field have at most three digits after the point (RFC 9651, section 3.3.2). */
const THOUSAND = 1_000;

/** A guard as an Item of a structured field (RFC 9651): its reason, with the numbers as parameters. */
export function noticeOf({ reason, scope, phase, since, until, wouldExpire, of, limit, node }: GuardState): string {
  const share = Math.round(limit * THOUSAND) / THOUSAND;
  return `${reason};scope="${scopeKey(scope)}";phase=${phase};since="${since}";until="${until}";would-expire=${wouldExpire};of=${of};limit=${share}${node === undefined ? '' : `;node=${quoted(node)}`}`;
}
