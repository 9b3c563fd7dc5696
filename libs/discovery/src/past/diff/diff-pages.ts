import { systemClock } from '@coordination/kernel';
import { type InstanceIdentity, type InstanceRecord } from '@coordination/catalog';
import { ScanBudget, type ScanLimits } from '../../selection/scan-budget.js';
import { matcher, type Selection } from '../../selection/selection.js';
import { type ChangedInstances } from './changed-instances.js';
import { type ChangesQuestion } from './changes-sql.js';
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
  /** The identity after which the next page goes on; undefined at the end. */
  readonly end: InstanceIdentity | undefined;
}

/** What one page may cost. */
export interface DiffLimits {
  readonly look: ScanLimits;
  /** A page ends with the first instance by which it has more bytes, roughly. */
  readonly bytes: number;
}

const DIFF_LIMITS: DiffLimits = { look: { instances: 50_000, milliseconds: 3_000 }, bytes: 8 * 1024 * 1024 };

interface OpenServiceDiff extends ServiceDiff {
  readonly added: InstanceRecord[];
  readonly removed: InstanceRecord[];
  readonly changed: ChangedInstance[];
}

/** Puts what changed into pages, by service; one that has more to tell than a page may comes again on the next. */
export class DiffPages {
  constructor(
    private readonly instances: ChangedInstances,
    private readonly limits = DIFF_LIMITS,
  ) {}

  /**
   * One page; it may be short, or empty, where many instances had to be looked at.
   * @param limit how many instances that differ it may have
   * @throws StoreUnavailableError
   */
  async page(question: ChangesQuestion, selection: Selection, limit: number): Promise<DiffPage> {
    const budget = new ScanBudget(this.limits.look, systemClock);
    const matches = matcher(selection);
    const services: OpenServiceDiff[] = [];
    let end = question.after;
    let [count, bytes] = [0, 0];
    for await (const { states, ...identity } of this.instances.walk(question, budget)) {
      if (end && end !== question.after && (budget.isSpent || bytes > this.limits.bytes)) return { services, end };
      const difference = states && differenceOf(states, matches);
      if (difference) {
        if (count === limit) return { services, end };
        count += 1;
        bytes += JSON.stringify(difference).length;
        note(services, identity, difference);
      }
      end = identity;
    }
    return { services, end: undefined };
  }
}

/** Identities come in their order, so a service's come together. */
function note(
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
