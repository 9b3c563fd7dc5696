import {
  CatalogView,
  EVERYWHERE,
  type InstanceRecord,
  type Scope,
  type ViewRecordObserver,
} from '@coordination/catalog';
import { Scheduler, type Turn } from '@coordination/scheduling';
import { Injectable } from '@nestjs/common';
import { SEARCH_SORTS, type SearchOrder, type SearchSort } from '../catalog-search.js';
import { type SearchPosition } from '../search-cursor.js';
import { compareTexts, SORT_KEYS } from './sort-keys.js';
import { SortedBuckets, type SortedWalk } from './sorted-buckets.js';

/** A service with more instances is found in an order of the whole catalog; one with fewer is sorted when it is asked for. */
const SORTED_WHEN_ASKED = 1_000;

/** Which instances, in which order. */
export interface OrderedScope extends Scope {
  readonly sort: SearchSort;
  readonly order: SearchOrder;
}

/** Instances in an order. */
export interface InstanceWalk {
  readonly records: SortedWalk<InstanceRecord>;
  /** Whether no further instance is in the scope once one was not. */
  readonly endsWithScope: boolean;
}

/** All instances of the view in one order. */
interface Order {
  readonly items: SortedBuckets<InstanceRecord>;
  isComplete: boolean;
  /** Resolves when it is complete, or was dropped because the view was loaded again. */
  completion: Promise<void>;
}

/**
 * The instances of the view in the orders of searches. An order is made, in slices of the scheduler, when it is first asked
 * for; from then on each change of the view changes it, too, at once, until the view is loaded again. It takes some 10 bytes
 * for each instance.
 */
@Injectable()
export class InstanceOrders implements ViewRecordObserver {
  private readonly orders = new Map<SearchSort, Order>();

  constructor(
    private readonly view: CatalogView,
    private readonly scheduler: Scheduler,
  ) {
    view.observeRecords(this);
  }

  /** The orders that are complete. */
  get kept(): readonly SearchSort[] {
    return SEARCH_SORTS.filter(sort => this.orders.get(sort)?.isComplete);
  }

  /**
   * The instances of the view as it is now: all of the scope, in the order of the search, and perhaps others in between.
   * Changes of the view do not affect the walk.
   * @param after where a previous page ended
   * @returns undefined when the order is not complete: see {@link prepare}
   */
  walk(scope: OrderedScope, after?: SearchPosition): InstanceWalk | undefined {
    const { sort, order } = scope;
    const { compare, placeAt } = SORT_KEYS[sort];
    const items = this.sortedService(scope) ?? this.complete(sort);
    if (!items) return undefined;
    const endsWithScope = sort === 'service' && scope.namespace !== null;
    const toScope = (record: InstanceRecord) => (endsWithScope ? compareToScope(record, scope) : 0);
    const place = after && placeAt(after);
    const records =
      order === 'asc'
        ? items.ascending(record => toScope(record) < 0 || (place !== undefined && compare(record, place) <= 0))
        : items.descending(record => toScope(record) <= 0 && (place === undefined || compare(record, place) < 0));
    return { records, endsWithScope };
  }

  /**
   * Resolves when an order is complete, unless the view is loaded again at that very moment.
   * @param turn the slices of the caller, who waits while others make the order
   */
  async prepare({ sort }: Pick<OrderedScope, 'sort'>, turn: Turn): Promise<void> {
    await turn.waitFor((this.orders.get(sort) ?? this.begin(sort)).completion);
  }

  changed(before: InstanceRecord | undefined, after: InstanceRecord | undefined): void {
    for (const [sort, { items }] of this.orders) {
      const isInPlace = before && after && SORT_KEYS[sort].compare(before, after) === 0;
      if (before && !isInPlace) items.delete(before);
      if (after) items.put(after);
    }
  }

  reloaded(): void {
    this.orders.clear();
  }

  private complete(sort: SearchSort): SortedBuckets<InstanceRecord> | undefined {
    const order = this.orders.get(sort);
    return order?.isComplete ? order.items : undefined;
  }

  private sortedService({ namespace, service, sort }: OrderedScope): SortedBuckets<InstanceRecord> | undefined {
    if (namespace === null || service === null) return undefined;
    const instances = this.view.instancesOf(namespace, service);
    if (instances.size > SORTED_WHEN_ASKED) return undefined;
    const items = new SortedBuckets<InstanceRecord>(SORT_KEYS[sort].compare);
    for (const record of instances.values()) items.put(record);
    return items;
  }

  private begin(sort: SearchSort): Order {
    const items = new SortedBuckets<InstanceRecord>(SORT_KEYS[sort].compare);
    const order: Order = { items, isComplete: false, completion: Promise.resolve() };
    this.orders.set(sort, order);
    order.completion = this.fill(sort, order);
    return order;
  }

  /**
   * Adds all instances. Changes meanwhile reach the order by {@link changed}. The result does not depend on whether an instance
   * is added before or after it changes, because each record is read from the view in the step that adds it.
   */
  private async fill(sort: SearchSort, order: Order): Promise<void> {
    const turn = this.scheduler.begin({ workClass: 'heavy' });
    const records = this.view.instancesIn(EVERYWHERE);
    for (;;) {
      if (turn.isOver) await turn.next();
      if (this.orders.get(sort) !== order) return;
      const { value, done } = records.next();
      if (done) break;
      order.items.put(value);
    }
    order.isComplete = true;
  }
}

/** Whether an instance comes before, in or after the services of a scope, in the order of names: negative, 0 or positive. */
function compareToScope(record: InstanceRecord, { namespace, service }: Scope): number {
  return (
    compareTexts(record.namespace, namespace ?? '') || (service === null ? 0 : compareTexts(record.service, service))
  );
}
