import {
  type LogEvent,
  CatalogHeadRepository,
  chainEvent,
  epochEvent,
  type EventDraft,
  ServiceEventRepository,
} from '@coordination/log';
import { type Databases } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { raiseServiceRevisions } from '@coordination/catalog/testing';

/** An hour, since tests may run under a debugger. */
const HOLD_LIMIT_MS = 3_600_000;

/** What an event says, as tests like it. */
export const aDraft = (over: Partial<EventDraft> = {}): EventDraft => ({
  action: 'instance.registered',
  namespace: 'default',
  service: 'orders',
  instanceId: 'orders-1',
  instanceUuid: '019b0f1e-7a52-7c3d-9a64-2f1f0f5f3b21',
  actor: 'anonymous',
  clientAddress: '10.0.3.17',
  requestId: 'request-1',
  source: 'api',
  reason: null,
  version: 1,
  before: null,
  after: { service: 'orders', metadata: { version: '2.4.1', tags: { team: 'checkout' } } },
  ...over,
});

/** Appends one batch to the log as the writer does: under the head, chained, in one transaction. */
export async function appendBatch(databases: Databases, drafts: readonly EventDraft[]): Promise<LogEvent[]> {
  const heads = new CatalogHeadRepository();
  return await databases.em('writer').transactional(async em => {
    const head = await heads.lock(em, HOLD_LIMIT_MS);
    const batchId = newId();
    const events: LogEvent[] = [];
    let { revision, hash } = head;
    for (const draft of drafts) {
      revision += 1;
      const event = chainEvent(draft, { revision, at: head.now, batchId, previousHash: hash });
      events.push(event);
      hash = event.hash;
    }
    await new ServiceEventRepository().append(em, head, events);
    return events;
  });
}

/** Begins a new epoch of the log, as a node does that knows of commits that are gone. */
export async function beginEpoch(databases: Databases): Promise<LogEvent> {
  const heads = new CatalogHeadRepository();
  const log = new ServiceEventRepository();
  return await databases.em('writer').transactional(async em => {
    const head = await heads.lock(em, HOLD_LIMIT_MS);
    const epoch = newId();
    const event = epochEvent(head, { epoch, batchId: newId(), reason: 'log-shorter', known: head.revision + 1 });
    await log.ensurePartitions(em, event.revision);
    await raiseServiceRevisions(em, event.revision);
    await heads.beginEpoch(em, head, epoch);
    await log.append(em, head, [event]);
    return event;
  });
}
