import { type CallOrigin } from '@coordination/context';
import { newId } from '@coordination/kernel';
import { type Command } from '@coordination/registry';
import { mix } from './mix.js';
import { deployed, type PlannedInstance, realisticInstance, realisticServices } from './realistic-catalog.js';

/** What a made-up log is like. */
export interface HistoryPlan {
  readonly instances: number;
  /** At least as many as instances: registering comes first. */
  readonly events: number;
  readonly ttlSeconds: number;
}

/** One change of the log, and who asks for it. Each is one event. */
export interface Step {
  readonly command: Command;
  readonly origin: CallOrigin;
}

/** A place in the catalog: its instance changes, and another one takes it over at times. */
interface Slot {
  readonly service: number;
  readonly n: number;
  planned: PlannedInstance;
  deployments: number;
}

/** Of a thousand changes so many are of this kind; the rest are deployments. */
const REPORTS = 550;
const OVERRIDES = 100;
const SUCCESSIONS = 20;

/** Of the instances so many are not healthy, or overridden, at a time; then changes of that kind end it for one of them. */
const FAILING_SHARE = 0.02;
const OVERRIDDEN_SHARE = 0.005;

const OPERATORS = ['user:anna', 'user:ben', 'user:chiara', 'user:dmitri', 'user:emi'];

/** Registers everything, and then changes it: health, deployments, overrides, instances that others follow. */
export function* realisticHistory({ instances, events, ttlSeconds }: HistoryPlan): Generator<Step> {
  const slots: Slot[] = [];
  let service = 0;
  for (const { size } of realisticServices(instances)) {
    for (let k = 0; k < size; k++) {
      const n = slots.length;
      const planned = realisticInstance(service, n, ttlSeconds);
      slots.push({ service, n, planned, deployments: 0 });
      yield registration(planned, n);
    }
    service += 1;
  }
  const failing = new Set<Slot>();
  const overridden = new Set<Slot>();
  for (let at = instances; at < events; at++) {
    const slot = slots[mix(at, 30) % slots.length]!;
    const kind = mix(at, 31) % 1_000;
    if (kind < REPORTS) yield report(oldestOr(slot, failing, FAILING_SHARE * instances), failing, at);
    else if (kind < REPORTS + OVERRIDES) {
      yield override(oldestOr(slot, overridden, OVERRIDDEN_SHARE * instances), overridden, at);
    } else if (kind < REPORTS + OVERRIDES + SUCCESSIONS && at + 1 < events) {
      failing.delete(slot);
      overridden.delete(slot);
      yield* succession(slot, at++);
    } else yield deployment(slot, at);
  }
}

/** A slot; or the one that has been in a set for longest, if that has too many. */
const oldestOr = (slot: Slot, set: ReadonlySet<Slot>, most: number): Slot => {
  const [oldest] = set;
  return oldest !== undefined && set.size >= most ? oldest : slot;
};

/** Puts a slot into a set, or takes it out. @returns whether it is in it now */
const toggle = (set: Set<Slot>, slot: Slot): boolean => !set.delete(slot) && set.add(slot).has(slot);

const origin = (actor: string, at: number, differing: Partial<CallOrigin> = {}): CallOrigin => ({
  actor,
  clientAddress: `10.200.${mix(at, 32) % 16}.${mix(at, 33) % 250}`,
  requestId: `${mix(at, 34).toString(16).padStart(8, '0')}-${at.toString(16).padStart(8, '0')}`,
  source: 'api',
  reason: null,
  ...differing,
});

const deployer = ({ metadata }: PlannedInstance['spec'], at: number): CallOrigin =>
  origin(`deploy:${(metadata['tags'] as { team: string }).team}`, at);

const registration = ({ identity, spec }: PlannedInstance, at: number): Step => ({
  command: { kind: 'register', id: newId(), identity, spec },
  origin: deployer(spec, at),
});

function report(slot: Slot, failing: Set<Slot>, at: number): Step {
  const healthy = !toggle(failing, slot);
  const { identity } = slot.planned;
  const output = healthy ? '' : `GET /health answered 503 after ${mix(at, 35) % 900} ms`;
  return {
    command: { kind: 'report-health', target: { identity }, report: { healthy, output } },
    origin: origin('agent', at),
  };
}

function override(slot: Slot, overridden: Set<Slot>, at: number): Step {
  const target = { identity: slot.planned.identity };
  const who = origin(OPERATORS[mix(at, 36) % OPERATORS.length]!, at, { reason: `CHG-${mix(at, 37) % 100_000}` });
  const command: Command = toggle(overridden, slot)
    ? { kind: 'set-override', target, status: 'maintenance', reason: 'planned work', until: null }
    : { kind: 'clear-override', target };
  return { command, origin: who };
}

function deployment(slot: Slot, at: number): Step {
  slot.deployments += 1;
  slot.planned = deployed(slot.planned, slot.service, slot.n, slot.deployments);
  const { identity, spec } = slot.planned;
  return {
    command: { kind: 'replace', target: { identity }, spec, claimed: {} },
    origin: deployer(spec, at),
  };
}

function* succession(slot: Slot, at: number): Generator<Step> {
  const { identity, spec } = slot.planned;
  yield { command: { kind: 'deregister', target: { identity } }, origin: deployer(spec, at) };
  const first = realisticInstance(slot.service, slot.n, 0).identity.instanceId;
  const instanceId = `${first}-${at.toString(36)}`;
  slot.planned = { identity: { ...identity, instanceId }, spec };
  yield registration(slot.planned, at + 1);
}
