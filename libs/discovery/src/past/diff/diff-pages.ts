import { Injectable, Optional } from '@nestjs/common';
import { PageText } from '@coordination/http';
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
  /** The JSON of an array of {@link ServiceDiff}. */
  readonly services: string;
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
    const services: ServiceTexts[] = [];
    const page = new PageText(this.limits.bytes);
    let end = span.after;
    for await (const { states, ...identity } of this.instances.walk(span, scan)) {
      if (end && end !== span.after && scan.isSpent) return { services: jsonOf(services), end };
      const difference = states && differenceOf(states, matches);
      if (difference) {
        const parts = KINDS.flatMap(kind =>
          difference[kind] ? [{ kind, text: JSON.stringify(difference[kind]) }] : [],
        );
        const hasRoom = page.size < limit && page.add(parts.map(({ text }) => text).join());
        if (!hasRoom) return { services: jsonOf(services), end };
        const service = openService(services, identity);
        for (const { kind, text } of parts) service[kind].push(text);
      }
      end = identity;
    }
    return { services: jsonOf(services), end: undefined };
  }
}

/** The service of an instance. Identities are in their order, so those of a service come together. */
function openService(services: ServiceTexts[], { namespace, service }: InstanceIdentity): ServiceTexts {
  const last = services.at(-1);
  if (last?.service === service && last.namespace === namespace) return last;
  const next = { namespace, service, added: [], removed: [], changed: [] };
  services.push(next);
  return next;
}

const jsonOf = (services: readonly ServiceTexts[]): string => `[${services.map(serviceJson).join(',')}]`;

function serviceJson({ namespace, service, ...texts }: ServiceTexts): string {
  const lists = KINDS.map(kind => `"${kind}":[${texts[kind].join(',')}]`);
  return `${JSON.stringify({ namespace, service }).slice(0, -1)},${lists.join(',')}}`;
}
