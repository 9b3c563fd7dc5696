import { type Check, type Health, type InstanceRecord, type Override } from '@coordination/catalog';

/** Who or what decides the status: an operator, what decided the health, or a deregistration. */
export const STATUS_DECIDERS = [
  'operator',
  'registration',
  'heartbeat',
  'report',
  'probe',
  'lease',
  'deregistration',
] as const;
export type StatusDecider = (typeof STATUS_DECIDERS)[number];

/** Why an instance has its status, in a sentence or two. */
export const statusReason = ({ override, health, check }: InstanceRecord): string =>
  override
    ? `${overrideReason(override)} Its health, which the override hides, is ${health.state}.`
    : healthReason(health, check);

function overrideReason({ status, reason, until, setAt, setBy }: Override): string {
  const end = until === null ? 'until it is cleared' : `until ${until}`;
  return `${setBy} set the override ${status} at ${setAt}, ${withReason(reason)}, ${end}.`;
}

/** Why an instance has its health, in a sentence. */
export function healthReason(health: Health, check: Check): string {
  const { state, decidedBy, failures, output, since } = health;
  const lastOutput = output === '' ? '' : ` Output of the last one: ${quoted(output)}.`;
  switch (decidedBy) {
    case 'registration':
      return `It was registered as ${state}, or reset to ${state} when its endpoint, check or process changed, at ${since}.`;
    case 'heartbeat':
      return `A heartbeat made it ${state} at ${since}.`;
    case 'report':
      return failures > 0
        ? `${counted(failures, 'failure was reported', 'failures were reported in a row')}; it has been ${state} since ${since}.${lastOutput}`
        : `A report declared it healthy; it has been ${state} since ${since}.`;
    case 'probe':
      return failures > 0
        ? `${counted(failures, 'probe of it has failed', 'probes of it have failed in a row')}; it has been ${state} since ${since}.${lastOutput}`
        : `A probe of it succeeded; it has been ${state} since ${since}.`;
    case 'lease':
      return `Its lease of ${check.ttlSeconds ?? 0} s expired without a renewal, and its end was acted on at ${since}. The next heartbeat heals it.`;
    default: {
      const impossible: never = decidedBy;
      return impossible;
    }
  }
}

const counted = (n: number, one: string, many: string): string => (n === 1 ? `One ${one}` : `${n} ${many}`);

const MAX_QUOTED = 200;

/** Names the reason that an actor gave. */
export const withReason = (reason: string | null): string =>
  reason === null ? 'without a reason' : `with the reason ${quoted(reason)}`;

export const quoted = (text: string): string =>
  `“${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text}”`;
