import { Injectable, Optional } from '@nestjs/common';
import { JsonItems, MAX_PAGE_BYTES } from '@coordination/http';
import { type InstanceIdentity, type InstanceRecord } from '@coordination/catalog';
import { type Turn } from '@coordination/scheduling';
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
  /** Each a {@link ServiceDiff}. */
  readonly services: JsonItems;
  /** The identity after which the next page continues; undefined at the end. */
  readonly end: InstanceIdentity | undefined;
}

/** Bounds of one page. */
export interface DiffLimits {
  readonly scan: PastScanLimits;
  /** A page ends before the instance by which it would have more bytes. By default, as all pages. */
  readonly bytes?: number;
}

const DIFF_LIMITS: DiffLimits = { scan: { instances: 50_000, milliseconds: 3_000 } };

const KINDS = ['added', 'removed', 'changed'] as const satisfies readonly (keyof Difference)[];

/** What changed in one service, each instance as JSON. */
type ServiceTexts = Readonly<Pick<ServiceDiff, 'namespace' | 'service'> & Record<(typeof KINDS)[number], string[]>>;

/** Divides a diff into pages, by service. A service with more differences than fit on a page continues on the next one. */
@Injectable()
export class DiffPages {
  constructor(
    private readonly instances: ChangedInstances,
    @Optional() private readonly limits = DIFF_LIMITS,
  ) {}

  /**
   * One page; it may be short, or empty, when the scan reached its limit.
   * @param limit how many instances that differ it may contain
   * @throws StoreUnavailableError
   */
  async page(span: ChangesQuery, selection: Selection, limit: number, turn: Turn): Promise<DiffPage> {
    const scan = new PastScan(turn, this.limits.scan);
    const matches = matcher(selection);
    const { bytes: maxBytes = MAX_PAGE_BYTES } = this.limits;
    const services = new ServicesJson();
    let [count, bytes] = [0, 0];
    let end = span.after;
    for await (const { states, ...identity } of this.instances.walk(span, scan)) {
      if (end && end !== span.after && scan.isSpent) return { services: services.closed(), end };
      const difference = states && differenceOf(states, matches);
      if (difference) {
        const parts = KINDS.flatMap(kind =>
          difference[kind] ? [{ kind, text: JSON.stringify(difference[kind]) }] : [],
        );
        // With the comma before the next one.
        const added = parts.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
        if (count === limit || (count > 0 && bytes + added > maxBytes)) return { services: services.closed(), end };
        [count, bytes] = [count + 1, bytes + added];
        const service = services.open(identity);
        for (const { kind, text } of parts) service[kind].push(text);
      }
      end = identity;
    }
    return { services: services.closed(), end: undefined };
  }
}

/** The services of a page as JSON. Each becomes bytes when the next one begins. */
class ServicesJson {
  private readonly items = new JsonItems();
  private last: ServiceTexts | undefined;

  /** The service of an instance. Identities are in their order, so those of a service come together. */
  open({ namespace, service }: InstanceIdentity): ServiceTexts {
    const { last } = this;
    if (last?.service === service && last.namespace === namespace) return last;
    this.closed();
    return (this.last = { namespace, service, added: [], removed: [], changed: [] });
  }

  closed(): JsonItems {
    if (this.last) this.items.add(serviceJson(this.last));
    this.last = undefined;
    return this.items;
  }
}

function serviceJson({ namespace, service, ...texts }: ServiceTexts): string {
  const lists = KINDS.map(kind => `"${kind}":[${texts[kind].join(',')}]`);
  return `${JSON.stringify({ namespace, service }).slice(0, -1)},${lists.join(',')}}`;
}
