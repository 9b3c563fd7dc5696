import { Injectable } from '@nestjs/common';
import { claimOf, type InstanceRecord, LocalCatalog } from '@coordination/catalog';
import { type CallOrigin } from '@coordination/context';
import { StoreUnavailableError } from '@coordination/kernel';
import { contradicts, ReadIndex } from '@coordination/log';
import { type RegisterCommand } from '../domain/commands.js';
import { isUnchanged } from '../domain/decide.js';
import { mayHeal } from '../domain/health-rules.js';
import { type WriteResult } from '../requests/write-request.js';
import { LeaseRenewals } from './lease-renewals.js';

/**
 * Answers registrations that change nothing from memory, without the log. This is linearizable, because the view is read
 * only after it has reached a revision that was the head after the request arrived.
 */
@Injectable()
export class UnchangedRegistrations {
  constructor(
    private readonly catalog: LocalCatalog,
    private readonly readIndex: ReadIndex,
    private readonly renewals: LeaseRenewals,
  ) {}

  /**
   * Renews the lease, if that is all that the registration does.
   * @returns undefined when it must go through the log; nothing has happened then
   */
  async renew(command: RegisterCommand, { repeatable }: CallOrigin): Promise<WriteResult | undefined> {
    // A first answer that must be stored goes through the log.
    if (repeatable || command.mustBeNew || command.ifMatch !== undefined) return undefined;
    const { catalog } = this;
    const cached = catalog.peek(command.identity);
    if (!isRenewalOnly(cached, command)) return undefined;
    const position = catalog.position();
    const head = await this.readIndex.current();
    // A head behind this position is that of a restored backup, in which the registration may be new.
    if (contradicts(head, position)) return undefined;
    const record = await catalog.recordAt(command.identity, head.revision).catch(ignoreLateView);
    if (catalog.position()?.epoch !== head.epoch) return undefined;
    if (!record || (record !== cached && !isRenewalOnly(record, command))) return undefined;
    this.renewals.renew(record.id, { incarnationNumber: record.incarnationNumber });
    const leased = { instance: record, lease: { renewedAt: head.clock, checkedAt: undefined } };
    const result = { outcome: 'unchanged', leased, lifeSign: 'none' } as const;
    return { results: [result], revision: head.revision, epoch: head.epoch };
  }
}

function isRenewalOnly(
  record: InstanceRecord | undefined,
  { spec, incarnation }: RegisterCommand,
): record is InstanceRecord {
  if (!record || claimOf(record, incarnation) !== 'current' || !isUnchanged(record, spec)) return false;
  return !mayHeal(record);
}

/** A view that does not reach the head in time is no reason to fail: the log does not need it. */
function ignoreLateView(error: unknown): undefined {
  if (!(error instanceof StoreUnavailableError)) throw error;
}
