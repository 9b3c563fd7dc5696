import { type InstanceRecord, OVERRIDE_STATUSES, type Status } from '@coordination/catalog';
import { matcherBesideStatus, type Selection, statusTest } from '../selection/selection.js';
import { patternMeter } from '../selection/pattern-meter.js';
import { hasUsableUrl } from './instance-url.js';
import { Pool } from './pool.js';
import { zoneShare } from './zone-share.js';

export const STRATEGIES = ['weighted', 'random', 'round_robin'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Which instance is wanted. Plain JSON, so that its text can name it. */
export interface ResolveRequest {
  readonly selection: Selection;
  readonly strategy: Strategy;
  /** Where the instance should be, if there are enough; null: no matter. */
  readonly zone: string | null;
  /** Below which percentage of fit instances calls leave the zone. */
  readonly zoneThreshold: number;
  /** Below which percentage of usable instances all are called; 0: never. */
  readonly panicThreshold: number;
}

/** Those that may be called. */
export interface EligibleInstances {
  /** Whether so few are usable that their health is no longer looked at. */
  readonly isPanic: boolean;
  /** Those in the preferred zone; empty when there is no preference. */
  readonly near: Pool;
  /** Everybody else. */
  readonly far: Pool;
  /** Which part (0 to 1) of the calls is meant for the near ones. */
  readonly nearShare: number;
}

/** Instances without weight come after all others, whatever their health. */
const WITHOUT_WEIGHT = 3;

/**
 * Those of a service's instances that may be called. Of the selected ones only the best are: those with weight before
 * those without, and among them healthy before degraded before all others.
 * @throws InvalidFilterError for patterns that are too costly for as many instances
 */
export function contendersOf(records: Iterable<InstanceRecord>, wanted: ResolveRequest): EligibleInstances {
  const { selection, strategy, zone, zoneThreshold, panicThreshold } = wanted;
  const matches = matcherBesideStatus(selection, patternMeter());
  const meant = [...records].filter(record => hasUsableUrl(record) && matches(record));
  const panic = isPanic(meant, panicThreshold);
  const hasStatus = statusTest(selection);
  const selected = meant.filter(({ status }) => hasStatus(status) || (panic && !isHeldBack(status)));
  const rank = panic ? weightRank : fullRank;
  const best = selected.reduce((least, record) => Math.min(least, rank(record)), Infinity);

  const weightOf = ({ weight }: InstanceRecord) => {
    if (best >= WITHOUT_WEIGHT) return 1;
    return strategy === 'weighted' ? weight : Math.min(1, weight);
  };
  const poolOf = (members: readonly InstanceRecord[]) =>
    new Pool(members.map(record => ({ id: record.instanceId, weight: weightOf(record) })));
  const fit = selected.filter(record => rank(record) === best);
  // Who calls everybody must not call the neighbours more than others: in a panic zones do not count, as in Envoy.
  const isNear = (record: InstanceRecord) => !panic && zone !== null && record.zone === zone;
  const near = poolOf(fit.filter(isNear));
  const far = poolOf(fit.filter(record => !isNear(record)));
  const allNear = sumOf(meant.filter(isNear), weightOf);
  const nearShare = zoneShare(
    { fit: near.weight, all: allNear },
    { fit: far.weight, all: sumOf(meant, weightOf) - allNear },
    zoneThreshold,
  );
  return { isPanic: panic, near, far, nearShare };
}

/**
 * Whether fewer than `threshold` percent are usable. Those that an operator holds back do not count: a planned absence is
 * no failure, and must not bring the sick into play.
 */
function isPanic(meant: readonly InstanceRecord[], threshold: number): boolean {
  const counting = meant.filter(({ status }) => !isHeldBack(status));
  const usable = counting.filter(({ status }) => status === 'healthy' || status === 'degraded');
  return usable.length * 100 < threshold * counting.length;
}

/** Whether an operator's word keeps calls away. */
const isHeldBack = (status: Status): boolean => (OVERRIDE_STATUSES as readonly Status[]).includes(status);

const weightRank = ({ weight }: InstanceRecord): number => (weight === 0 ? WITHOUT_WEIGHT : 0);

const fullRank = (record: InstanceRecord): number => weightRank(record) + healthRank(record.status);

const healthRank = (status: Status): number => (status === 'healthy' ? 0 : status === 'degraded' ? 1 : 2);

const sumOf = (records: readonly InstanceRecord[], weightOf: (record: InstanceRecord) => number): number =>
  records.reduce((sum, record) => sum + weightOf(record), 0);
