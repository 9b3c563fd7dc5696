import {
  CatalogView,
  EVERYWHERE,
  type InstanceRecord,
  type Scope,
  type ViewRecordObserver,
} from '@coordination/catalog';
import { Scheduler, type Turn } from '@coordination/scheduling';
import { Injectable, Optional } from '@nestjs/common';
import { SEARCH_SORTS, type SearchOrder, type SearchSort } from '../catalog-search.js';
import { type SearchPosition } from '../search-cursor.js';
import { ScanPace } from '../scan-pace.js';
import { compareTexts, SORT_KEYS } from './sort-keys.js';
import { SortedBuckets, type SortedWalk } from './sorted-buckets.js';

/** A service with more instances is found in an order of the whole catalog; one with fewer is sorted when it is asked for. */
const SORTED_WHEN_ASKED = 1_000;

/** The work of adding an instance to an order, in tests of instances. */
const ADDING_UNITS = 8;

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

/** How many changes a walk applies at once before it begins: less than a millisecond of work. */
const APPLIED_AT_ONCE = 100;

/** With more changes that wait, an order applies them if it was used since it last did so; else it is dropped. */
const MAX_PENDING = 5_000;

/** With so many, it is dropped in any case: the node finds no time to apply them. */
const TOO_MANY_PENDING = 100_000;

/** The orders that are made when the view has been loaded, before a search asks for them: the one of searches without `sort`. */
const MADE_AFTER_LOAD: readonly SearchSort[] = ['service'];

/** A record that entered the view, left it, or replaced another one. */
interface RecordChange {
  readonly before: InstanceRecord | undefined;
  readonly after: InstanceRecord | undefined;
}

/** All instances of the view in one order, once all pending changes are applied. */
interface Order {
  readonly items: SortedBuckets<InstanceRecord>;
  /** Changes of the view that have not been applied, in their order. */
  pending: RecordChange[];
  isFilled: boolean;
  /** Whether it was used since changes were last applied because there were many. */
  isUsed: boolean;
  /** Resolves when it is filled and has all changes, or was dropped; undefined when it is not being prepared. */
  preparation: Promise<void> | undefined;
  /** Are called in the step that finishes the preparation. They must not throw. */
  readonly readers: (() => void)[];
}

/**
 * The instances of the view in the orders of searches. An order is made, in slices of the scheduler, when it is first asked for,
 * the one by name also when the view has been loaded: the first search would otherwise wait for some tenths of a second. From
 * then on it notes each change of the view, at no cost to those who write, and the next search applies them. It takes some 10
 * bytes for each instance, and is dropped when it is not used while thousands of changes come, and when the view is loaded again.
 */
@Injectable()
export class InstanceOrders implements ViewRecordObserver {
  private readonly orders = new Map<SearchSort, Order>();

  constructor(
    private readonly view: CatalogView,
    private readonly scheduler: Scheduler,
    @Optional() private readonly madeAfterLoad = MADE_AFTER_LOAD,
  ) {
    view.observeRecords(this);
  }

  /** The orders that are filled. */
  get kept(): readonly SearchSort[] {
    return SEARCH_SORTS.filter(sort => this.orders.get(sort)?.isFilled);
  }

  /**
   * The instances of the view as it is now: all of the scope, in the order of the search, and perhaps others in between.
   * Changes of the view do not affect the walk.
   * @param after where a previous page ended
   * @returns undefined when the order is not ready: see {@link read}
   */
  walk(scope: OrderedScope, after?: SearchPosition): InstanceWalk | undefined {
    const { sort, order } = scope;
    const { compare, placeAt } = SORT_KEYS[sort];
    const items = this.sortedService(scope) ?? this.ready(sort);
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
   * What is read of a walk, at a moment when its order is ready: at once or, if the order must be made or has many changes to
   * apply, in the step that finishes it. So a search takes its turn however fast the catalog changes.
   * @param turn the slices of the caller, who waits while the order is made for all who ask
   * @param read is called once, with a walk over the view as it is at that moment
   * @throws what `read` throws
   */
  async read<Result>(
    scope: OrderedScope,
    after: SearchPosition | undefined,
    { turn, read }: { readonly turn: Turn; readonly read: (walk: InstanceWalk) => Result },
  ): Promise<Result> {
    for (;;) {
      const walk = this.walk(scope, after);
      if (walk) return read(walk);
      const order = this.orders.get(scope.sort) ?? this.begin(scope.sort);
      const reading: { outcome?: () => Result } = {};
      order.readers.push(() => (reading.outcome = attempt(() => read(this.walk(scope, after)!))));
      await turn.waitFor(this.preparationOf(scope.sort, order));
      // Without an outcome the order was dropped.
      if (reading.outcome) return reading.outcome();
    }
  }

  changed(before: InstanceRecord | undefined, after: InstanceRecord | undefined): void {
    if (this.orders.size === 0) return;
    const change = { before, after };
    for (const [sort, order] of this.orders) {
      if (order.pending.push(change) > MAX_PENDING) this.relieve(sort, order);
    }
  }

  reloaded(): void {
    this.orders.clear();
    for (const sort of this.madeAfterLoad) void this.preparationOf(sort, this.begin(sort));
  }

  private ready(sort: SearchSort): SortedBuckets<InstanceRecord> | undefined {
    const order = this.orders.get(sort);
    if (!order || order.preparation || order.pending.length > APPLIED_AT_ONCE) return undefined;
    for (const change of order.pending) apply(sort, order, change);
    order.pending = [];
    order.isUsed = true;
    return order.items;
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
    const order: Order = { items, pending: [], isFilled: false, isUsed: false, preparation: undefined, readers: [] };
    this.orders.set(sort, order);
    return order;
  }

  private preparationOf(sort: SearchSort, order: Order): Promise<void> {
    order.preparation ??= this.fill(sort, order);
    return order.preparation;
  }

  /** Lets go of changes, and with them of records that the view no longer has. */
  private relieve(sort: SearchSort, order: Order): void {
    if (order.pending.length > TOO_MANY_PENDING || !(order.isUsed || order.preparation)) {
      this.orders.delete(sort);
      return;
    }
    if (order.preparation) return;
    order.isUsed = false;
    void this.preparationOf(sort, order);
  }

  /**
   * Adds all instances, and applies the changes that were noted since it began. The result does not depend on whether an instance
   * is added before or after it changes: when the last change of an instance is applied, the order has what that one left.
   */
  private async fill(sort: SearchSort, order: Order): Promise<void> {
    const turn = this.scheduler.begin({ workClass: 'heavy' });
    const pace = new ScanPace(turn);
    await turn.next();
    const isDropped = () => this.orders.get(sort) !== order;
    const records = this.view.instancesIn(EVERYWHERE);
    while (!order.isFilled) {
      if (pace.mustRest) await turn.next();
      if (isDropped()) return;
      const { value, done } = records.next();
      if (done) order.isFilled = true;
      else order.items.put(value);
      pace.worked(ADDING_UNITS);
    }
    while (order.pending.length > 0) {
      const { pending } = order;
      order.pending = [];
      for (const change of pending) {
        // What comes meanwhile is noted in the next list.
        if (pace.mustRest) await turn.next();
        if (isDropped()) return;
        apply(sort, order, change);
        pace.worked(ADDING_UNITS);
      }
    }
    order.preparation = undefined;
    for (const reader of order.readers.splice(0)) reader();
  }
}

/** Calls a function. @returns what gives its result, or throws what it threw */
function attempt<Result>(work: () => Result): () => Result {
  try {
    const result = work();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function apply(sort: SearchSort, { items }: Order, { before, after }: RecordChange): void {
  const isInPlace = before && after && SORT_KEYS[sort].compare(before, after) === 0;
  if (before && !isInPlace) items.delete(before);
  if (after) items.put(after);
}

/** Whether an instance comes before, in or after the services of a scope, in the order of names: negative, 0 or positive. */
function compareToScope(record: InstanceRecord, { namespace, service }: Scope): number {
  return (
    compareTexts(record.namespace, namespace ?? '') || (service === null ? 0 : compareTexts(record.service, service))
  );
}
