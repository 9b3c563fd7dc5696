import { type Command, decide, isProbed } from '@coordination/registry';
import { type InstanceRecord, type LeasedInstance, type Status } from '@coordination/catalog';

/** What may report the health of an instance. */
export const HEALTH_SIGNALS = [
  'heartbeat',
  'report-healthy',
  'report-failed',
  'probe-healthy',
  'probe-failed',
] as const;
export type HealthSignal = (typeof HEALTH_SIGNALS)[number];

/** The effect that a signal would have now. */
export interface SignalEffect {
  readonly sign: HealthSignal;
  /** The status that the instance would have. */
  readonly status: Status;
  /** In a sentence. */
  readonly what: string;
}

const COMMANDS: Readonly<Record<HealthSignal, (instance: InstanceRecord) => Command>> = {
  heartbeat: ({ id }) => ({ kind: 'heartbeat', target: { id } }),
  'report-healthy': ({ id }) => ({ kind: 'report-health', target: { id }, report: { healthy: true, output: '' } }),
  'report-failed': ({ id }) => ({ kind: 'report-health', target: { id }, report: { healthy: false, output: '' } }),
  'probe-healthy': instance => probeCommand(instance, true),
  'probe-failed': instance => probeCommand(instance, false),
};

/** So many probes in a row that every threshold is reached. */
const ENOUGH = 1_000;

const probeCommand = (instance: InstanceRecord, healthy: boolean): Command => ({
  kind: 'report-probe',
  target: { id: instance.id },
  probed: instance,
  verdict: { healthy, inARow: ENOUGH, output: '' },
});

const NAMES: Readonly<Record<HealthSignal, string>> = {
  heartbeat: 'A heartbeat',
  'report-healthy': 'A report that it is healthy',
  'report-failed': 'A report of a failure',
  'probe-healthy': 'Probes that succeed in a row',
  'probe-failed': 'Probes that fail in a row',
};

/** The effect of each signal on an instance now: what `decide` would decide. */
export const signalEffects = (leased: LeasedInstance, now: string): SignalEffect[] =>
  HEALTH_SIGNALS.filter(sign => !sign.startsWith('probe') || isProbed(leased.instance.check)).map(sign =>
    effectOf(leased, sign, now),
  );

function effectOf(leased: LeasedInstance, sign: HealthSignal, now: string): SignalEffect {
  const { instance } = leased;
  const moment = { now, clock: now, revision: instance.revision + 1, actor: 'anonymous' };
  const decision = decide(leased, COMMANDS[sign](instance), moment);
  const after = decision.kind === 'changed' ? decision.after?.instance : undefined;
  const name = NAMES[sign];
  if (!after) {
    const renews = sign.startsWith('probe') ? 'change nothing' : 'renew the lease and change nothing else';
    return { sign, status: instance.status, what: `${name} would ${renews}.` };
  }
  const { status, health } = after;
  if (health.state === instance.health.state) {
    return { sign, status, what: `${name} would be recorded, and would leave its health ${health.state}.` };
  }
  const hidden = after.override ? `, under the override, which keeps the status ${status}` : '';
  return { sign, status, what: `${name} would make its health ${health.state}${hidden}.` };
}
