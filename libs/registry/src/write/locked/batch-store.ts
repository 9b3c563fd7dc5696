import { Injectable } from '@nestjs/common';
import { type LockedHead, ServiceEventRepository } from '@coordination/log';
import { type EntityManager } from '@mikro-orm/postgresql';
import { targetOf } from '../../domain/commands.js';
import { IdempotencyKeyRepository } from '../../idempotency/idempotency-key.repository.js';
import { type QueuedRequest } from '../../requests/write-request.js';
import { ServiceInstanceRepository } from '../../store/service-instance.repository.js';
import { EnsuredPartitions } from '../ensured-partitions.js';
import { ExpiryContext } from './expiry-context.js';
import { type PlacedPlan, revisionAfter } from '../batch-plan.js';
import { BatchPlanner } from '../plan-batch.js';
import { MAX_BATCH_BYTES } from '../write-settings.js';

/** Reads what a batch is decided from, plans it, and writes the plan: in the transaction that has locked the head. */
@Injectable()
export class BatchStore {
  constructor(
    private readonly expiry: ExpiryContext,
    private readonly keys: IdempotencyKeyRepository,
    private readonly instances: ServiceInstanceRepository,
    private readonly events: ServiceEventRepository,
    private readonly partitions: EnsuredPartitions,
    private readonly planner: BatchPlanner,
  ) {}

  /** Plans the first requests, as many as can be read completely. */
  async plan(em: EntityManager, head: LockedHead, requests: readonly QueuedRequest[]): Promise<PlacedPlan> {
    const endedTerms = await this.expiry.lockAndRead(em, requests);
    const keys = requests.flatMap(({ key }) => key ?? []);
    const usedKeys = await this.keys.find(em, keys, head.clock);
    const { found, complete } = await this.instances.findNamed(em, {
      targets: requests.flatMap(request => request.commands.map(targetOf)),
      always: requests[0]!.commands.length,
      maxBytes: MAX_BATCH_BYTES,
    });
    return await this.planner.plan({
      head,
      requests: wholeWithin(requests, complete),
      found,
      usedKeys,
      endedTerms,
    });
  }

  /** @returns the last revision that the log has partitions for, once this is committed; undefined: it was not looked at */
  async write(em: EntityManager, placed: PlacedPlan): Promise<number | undefined> {
    const { head, plan, texts } = placed;
    await this.keys.keep(em, plan.answers, { at: head.clock, revision: revisionAfter(placed), epoch: head.epoch });
    const last = plan.events.at(-1);
    if (!last) return undefined;
    const partitionsUpTo = await this.partitions.ensure(em, last.revision);
    await this.instances.save(em, plan.changes, plan.touches, texts);
    await this.events.append(em, head, plan.events, texts.events);
    for (const { write } of plan.systemEvents) await write(em);
    return partitionsUpTo;
  }

  /** Must be called after the commit, with what {@link write} returned. */
  noteCommitted(partitionsUpTo: number | undefined): void {
    if (partitionsUpTo !== undefined) this.partitions.noteCommitted(partitionsUpTo);
  }
}

/** The requests all of whose instances were read. */
function wholeWithin(requests: readonly QueuedRequest[], completeTargets: number): QueuedRequest[] {
  let targets = 0;
  return requests.filter(({ commands }) => (targets += commands.length) <= completeTargets);
}
