import { type LogEvent } from '@coordination/log';
import { type InstanceRecord, normalizeRecord, type StoredRecord, toOverrideView } from '@coordination/catalog';
import { healthSentence, quoted, withReason } from './status-reasons.js';
import { type Explanation, toldEvent } from './explanation.js';

/** What the end of an instance is explained from. */
export interface GoneSituation {
  /** The event that ended it. */
  readonly removal: LogEvent;
  /** Its events before that, the newest first. */
  readonly earlier: readonly LogEvent[];
  /** Who is registered under its name now. */
  readonly successor: InstanceRecord | undefined;
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
}

/** Explains an instance that is gone: who removed it, when, why, and what it was before. */
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
    health: { ...health, lastCheckedAt: null, because: healthSentence(health, check) },
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
    lastEvents: [removal, ...(statusEvent ? [statusEvent] : [])].map(toldEvent),
  };
}

function removalSentence({ action, at, actor, reason, requestId, clientAddress, source }: LogEvent): string {
  if (action === 'instance.expired') {
    return `It was deregistered at ${at}, because nothing was heard of it after its lease had ended${reason === null ? '' : ` (${reason})`}.`;
  }
  const request = requestId === null ? '' : `, by the request ${quoted(requestId)}`;
  const from = clientAddress === null ? '' : ` from ${clientAddress}`;
  const through = source === 'api' || source === 'system' ? '' : `, through ${source}`;
  return `${actor} deregistered it at ${at}, ${withReason(reason)}${request}${from}${through}.`;
}

function notesOf(successor: InstanceRecord | undefined): string[] {
  const answered = 'Other calls about it get 404; its history tells what it was before.';
  return successor
    ? [answered, `Another instance has its name since ${successor.registeredAt}: id ${successor.id}.`]
    : [answered, 'Whoever registers under its name now is another instance, with an id of its own.'];
}

const statusOf = (record: unknown) => (record as InstanceRecord | null)?.status;
