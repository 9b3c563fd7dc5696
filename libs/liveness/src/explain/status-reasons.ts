import { type Check, type Health, type InstanceRecord, type Override } from '@coordination/catalog';

/** Who or what decides the status: an operator, whoever decided the health, or a deregistration. */
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
export const becauseOf = ({ override, health, check }: InstanceRecord): string =>
  override
    ? `${overrideSentence(override)} Its health, which does not count meanwhile, is ${health.state}.`
    : healthSentence(health, check);

function overrideSentence({ status, reason, until, setAt, setBy }: Override): string {
  const end = until === null ? 'until it is taken back' : `until ${until}`;
  return `${setBy} set the override ${status} at ${setAt}, ${withReason(reason)}, ${end}.`;
}

/** Why the health is what it is. */
export function healthSentence(health: Health, check: Check): string {
  const { state, decidedBy, failures, output, since } = health;
  const said = output === '' ? '' : ` The last one said ${quoted(output)}.`;
  switch (decidedBy) {
    case 'registration':
      return `It was registered as ${state}, or began anew as that when its endpoint, check or process changed, at ${since}.`;
    case 'heartbeat':
      return `A heartbeat made it ${state} at ${since}.`;
    case 'report':
      return failures > 0
        ? `${counted(failures, 'failure was', 'failures were')} reported in a row; it is ${state} since ${since}.${said}`
        : `A report said that it is healthy; it is ${state} since ${since}.`;
    case 'probe':
      return failures > 0
        ? `${counted(failures, 'check of it has', 'checks of it have')} failed in a row; it is ${state} since ${since}.${said}`
        : `A check of it succeeded; it is ${state} since ${since}.`;
    case 'lease':
      return `Its lease of ${check.ttlSeconds ?? 0} s ended without a sign of life, which was acted on at ${since}. The next heartbeat heals it.`;
    default: {
      const impossible: never = decidedBy;
      return impossible;
    }
  }
}

const counted = (n: number, one: string, many: string): string => (n === 1 ? `One ${one}` : `${n} ${many}`);

const MAX_QUOTED = 200;

/** What somebody gave as the reason. */
export const withReason = (reason: string | null): string =>
  reason === null ? 'without a reason' : `with the reason ${quoted(reason)}`;

export const quoted = (text: string): string =>
  `“${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text}”`;
