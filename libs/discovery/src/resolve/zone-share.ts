/** The capacity of a group of instances, in weights or in numbers of instances. */
export interface Capacity {
  /** Of the instances that may be called now. */
  readonly fit: number;
  /** Of all selected instances, whatever their status: the capacity that the group should have. */
  readonly all: number;
}

/**
 * The part (0 to 1) of the calls that the preferred zone gets; the others go to other zones. It gets all of them while at
 * least `threshold` percent of it is fit, and proportionally fewer below that; when the other zones lack capacity as well,
 * both get calls in proportion to their health. This is how Envoy shares calls between two priority levels
 * (envoyproxy.io, "Priority levels"; its overprovisioning factor of 140 % is a threshold of 71.4 %):
 *
 *     health(P) = min(1, fit(P) / all(P) × 100 / threshold)
 *     share     = min(1, health(zone) / min(1, health(zone) + health(elsewhere)))
 *
 * @param threshold 0 to 100; with 0 the zone gets all calls while it has any fit instance
 */
export function zoneShare(zone: Capacity, elsewhere: Capacity, threshold: number): number {
  const here = healthOf(zone, threshold);
  const total = Math.min(1, here + healthOf(elsewhere, threshold));
  return total === 0 ? 0 : Math.min(1, here / total);
}

const healthOf = ({ fit, all }: Capacity, threshold: number): number =>
  fit === 0 ? 0 : Math.min(1, (fit * 100) / (all * threshold)); // x / 0 is Infinity: all is well
