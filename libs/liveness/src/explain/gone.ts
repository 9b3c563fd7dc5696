import { type LogEvent } from '@coordination/log';
import { type InstanceRecord, normalizeRecord, type StoredRecord, toOverrideView } from '@coordination/catalog';
import { healthReason, quoted, withReason } from './status-reasons.js';
import { type Explanation, summarize } from './explanation.js';

/** What the removal of an instance is explained from. */
export interface GoneSituation {
  /** The event that removed it. */
  readonly removal: LogEvent;
  /** Its events before that, the newest first. */
  readonly earlier: readonly LogEvent[];
  /** The instance that is registered under its name now. */
  readonly successor: InstanceRecord | undefined;
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
}

/** Explains an instance that was removed: who removed it, when, why, and its last state. */
export function explainGone({ removal, earlier, successor, now }: GoneSituation): Explanation {
  const last = normalizeRecord(removal.before as StoredRecord);
  const { id, namespace, service, instanceId, incarnation, incarnationNumber, health, override, check } = last;
  const statusEvent = earlier.find(event => statusOf(event.before) !== statusOf(event.after));
  const { revision, at, action, actor, clientAddress, requestId, source, reason, batchId } = removal;
  return {
    id,
    namespace,
    service,
    instanceId,
    incarnation,
    incarnationNumber,
    version: removal.version ?? last.version,
    revision,
    at: now,
    status: 'gone',
    since: at,
    decidedBy: action === 'instance.expired' ? 'lease' : 'deregistration',
    because: `${removalSentence(removal)} Its status was ${last.status} before.`,
    health: { ...health, lastCheckedAt: null, lastError: null, because: healthReason(health, check) },
    override: toOverrideView(override),
    lease: null,
    removal: {
      revision,
      at,
      action,
      actor,
      clientAddress,
      requestId,
      source,
      reason,
      batchId,
      lastStatus: last.status,
    },
    probedBy: null,
    guard: null,
    timers: [],
    next: [],
    signs: [],
    notes: notesOf(successor),
    lastEvents: [removal, ...(statusEvent ? [statusEvent] : [])].map(summarize),
  };
}

function removalSentence({ action, at, actor, reason, requestId, clientAddress, source }: LogEvent): string {
  if (action === 'instance.expired') {
    return `It was deregistered at ${at}, because no heartbeat healed it after its lease had expired${reason === null ? '' : ` (${reason})`}.`;
  }
  const request = requestId === null ? '' : `, by the request ${quoted(requestId)}`;
  const from = clientAddress === null ? '' : ` from ${clientAddress}`;
  const through = source === 'api' || source === 'system' ? '' : `, through ${source}`;
  return `${actor} deregistered it at ${at}, ${withReason(reason)}${request}${from}${through}.`;
}

function notesOf(successor: InstanceRecord | undefined): string[] {
  const notFound = 'Other requests about it get 404; its history has its earlier states.';
  return successor
    ? [notFound, `Another instance has had its name since ${successor.registeredAt}: id ${successor.id}.`]
    : [notFound, 'A registration under its name makes a new instance, with another id.'];
}

const statusOf = (record: unknown) => (record as InstanceRecord | null)?.status;
