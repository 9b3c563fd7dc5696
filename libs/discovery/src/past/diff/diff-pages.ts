import { Injectable, Optional } from '@nestjs/common';
import { type InstanceIdentity, type InstanceRecord } from '@coordination/catalog';
import { Scheduler } from '@coordination/scheduling';
import { matcher, type Selection } from '../../selection/selection.js';
import { PastScan, type PastScanLimits } from '../past-scan.js';
import { ChangedInstances } from './changed-instances.js';
import { type ChangesQuery } from './changes-sql.js';
import { type ChangedInstance, type Difference, differenceOf } from './instance-difference.js';

/** What changed in one service. */
export interface ServiceDiff {
  readonly namespace: string;
  readonly service: string;
  readonly added: readonly InstanceRecord[];
  readonly removed: readonly InstanceRecord[];
  readonly changed: readonly ChangedInstance[];
}

/** One page of what changed. */
export interface DiffPage {
  readonly services: readonly ServiceDiff[];
  /** The identity after which the next page continues; undefined at the end. */
  readonly end: InstanceIdentity | undefined;
}

/** Bounds of one page. */
export interface DiffLimits {
  readonly scan: PastScanLimits;
  /** A page ends with the first instance by which it has more bytes, roughly. */
  readonly bytes: number;
}

const DIFF_LIMITS: DiffLimits = { scan: { instances: 50_000, milliseconds: 3_000 }, bytes: 8 * 1024 * 1024 };

interface OpenServiceDiff extends ServiceDiff {
  readonly added: InstanceRecord[];
  readonly removed: InstanceRecord[];
  readonly changed: ChangedInstance[];
}

/** Divides a diff into pages, by service. A service with more differences than fit on a page continues on the next one. */
@Injectable()
export class DiffPages {
  constructor(
    private readonly instances: ChangedInstances,
    private readonly scheduler: Scheduler,
    @Optional() private readonly limits = DIFF_LIMITS,
  ) {}

  /**
   * One page; it may be short, or empty, when the scan reached its limit.
   * @param limit how many instances that differ it may contain
   * @throws StoreUnavailableError
   */
  async page(span: ChangesQuery, selection: Selection, limit: number): Promise<DiffPage> {
    const scan = PastScan.begin(this.scheduler, this.limits.scan);
    const matches = matcher(selection);
    const services: OpenServiceDiff[] = [];
    let end = span.after;
    let [count, bytes] = [0, 0];
    for await (const { states, ...identity } of this.instances.walk(span, scan)) {
      if (end && end !== span.after && (scan.isSpent || bytes > this.limits.bytes)) return { services, end };
      const difference = states && differenceOf(states, matches);
      if (difference) {
        if (count === limit) return { services, end };
        count += 1;
        bytes += JSON.stringify(difference).length;
        add(services, identity, difference);
      }
      end = identity;
    }
    return { services, end: undefined };
  }
}

/** Adds a difference. Identities are in their order, so those of a service come together. */
function add(
  services: OpenServiceDiff[],
  { namespace, service }: InstanceIdentity,
  { added, removed, changed }: Difference,
): void {
  let last = services.at(-1);
  if (last?.service !== service || last.namespace !== namespace) {
    last = { namespace, service, added: [], removed: [], changed: [] };
    services.push(last);
  }
  if (added) last.added.push(added);
  if (removed) last.removed.push(removed);
  if (changed) last.changed.push(changed);
}
