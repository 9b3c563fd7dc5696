import { type InstanceRecord, OVERRIDE_STATUSES, type Status } from '@coordination/catalog';
import { matcherBesideStatus, type Selection, statusTest } from '../selection/selection.js';
import { patternMeter } from '../selection/pattern-meter.js';
import { hasUsableUrl } from './instance-url.js';
import { Pool } from './pool.js';
import { zoneShare } from './zone-share.js';

export const STRATEGIES = ['weighted', 'random', 'round_robin'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Which instance a client requests. Plain JSON, so that its text can be a cache key. */
export interface ResolveRequest {
  readonly selection: Selection;
  readonly strategy: Strategy;
  /** The preferred zone; null: no preference. */
  readonly zone: string | null;
  /** The percentage of fit instances in the zone below which some calls go to other zones. */
  readonly zoneThreshold: number;
  /** The percentage of usable instances below which health is ignored; 0: never. */
  readonly panicThreshold: number;
}

/** The instances that may be called. */
export interface EligibleInstances {
  /** Whether so few are usable that their health is ignored. */
  readonly isPanic: boolean;
  /** Those in the preferred zone; empty without a preference. */
  readonly local: Pool;
  /** All others. */
  readonly remote: Pool;
  /** The part (0 to 1) of the calls that goes to the local ones. */
  readonly localShare: number;
}

/** Instances without weight come after all others, whatever their health. */
const WITHOUT_WEIGHT = 3;

/**
 * The instances of a service that may be called: the best of the selected ones. Those with weight are better than those
 * without; among them, healthy is better than degraded, and degraded better than the rest.
 * @throws InvalidFilterError for patterns that are too costly for so many instances
 */
export function eligibleInstances(records: Iterable<InstanceRecord>, request: ResolveRequest): EligibleInstances {
  const { selection, strategy, zone, zoneThreshold, panicThreshold } = request;
  const matches = matcherBesideStatus(selection, patternMeter());
  const matching = [...records].filter(record => hasUsableUrl(record) && matches(record));
  const isPanic = isBelowPanicThreshold(matching, panicThreshold);
  const hasStatus = statusTest(selection);
  const selected = matching.filter(({ status }) => hasStatus(status) || (isPanic && !isOverridden(status)));
  const rank = isPanic ? weightRank : fullRank;
  const best = selected.reduce((least, record) => Math.min(least, rank(record)), Infinity);

  const weightOf = ({ weight }: InstanceRecord) => {
    if (best >= WITHOUT_WEIGHT) return 1;
    return strategy === 'weighted' ? weight : Math.min(1, weight);
  };
  const poolOf = (members: readonly InstanceRecord[]) =>
    new Pool(members.map(record => ({ id: record.instanceId, weight: weightOf(record) })));
  const fit = selected.filter(record => rank(record) === best);
  // In a panic all instances are called, so zones are ignored, as in Envoy: otherwise the local ones would get more calls.
  const isLocal = (record: InstanceRecord) => !isPanic && zone !== null && record.zone === zone;
  const local = poolOf(fit.filter(isLocal));
  const remote = poolOf(fit.filter(record => !isLocal(record)));
  const allLocal = sumOf(matching.filter(isLocal), weightOf);
  const localShare = zoneShare(
    { fit: local.weight, all: allLocal },
    { fit: remote.weight, all: sumOf(matching, weightOf) - allLocal },
    zoneThreshold,
  );
  return { isPanic, local, remote, localShare };
}

/**
 * Whether fewer than `threshold` percent are usable. Instances with an operator's override do not count: a planned absence is
 * not a failure, and must not make unhealthy instances eligible.
 */
function isBelowPanicThreshold(records: readonly InstanceRecord[], threshold: number): boolean {
  const counting = records.filter(({ status }) => !isOverridden(status));
  const usable = counting.filter(({ status }) => status === 'healthy' || status === 'degraded');
  return usable.length * 100 < threshold * counting.length;
}

/** Whether the status is that of an operator's override, which keeps calls away. */
const isOverridden = (status: Status): boolean => (OVERRIDE_STATUSES as readonly Status[]).includes(status);

const weightRank = ({ weight }: InstanceRecord): number => (weight === 0 ? WITHOUT_WEIGHT : 0);

const fullRank = (record: InstanceRecord): number => weightRank(record) + healthRank(record.status);

const healthRank = (status: Status): number => (status === 'healthy' ? 0 : status === 'degraded' ? 1 : 2);

const sumOf = (records: readonly InstanceRecord[], weightOf: (record: InstanceRecord) => number): number =>
  records.reduce((sum, record) => sum + weightOf(record), 0);
