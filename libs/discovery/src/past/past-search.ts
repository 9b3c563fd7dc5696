import { InvalidFilterError } from '@coordination/kernel';
import { type SharedBody } from '@coordination/http';
import { type Turn } from '@coordination/scheduling';
import { Injectable, Optional } from '@nestjs/common';
import { type InstanceRecord, normalizeRecord } from '@coordination/catalog';
import { type CatalogSearch } from '../search/catalog-search.js';
import { fromCursor, type SearchPosition, toCursor } from '../search/search-cursor.js';
import { SearchPageJson } from '../search/search-page.js';
import { type Conditions } from '../selection/selection-sql.js';
import { TopK, type TimePosition } from './top-k.js';
import { PastInstances } from './past-instances.js';
import { PAST_LIMITS } from './past-limits.js';
import { PastScan } from './past-scan.js';
import { nameOf } from './past-sql.js';

/** A search of the catalog as it was at a revision. */
export type PastSearch = CatalogSearch & { readonly at: number };

type SortTime = Exclude<CatalogSearch['sort'], 'service'>;

const COLUMNS: Readonly<Record<SortTime, string>> = { registeredAt: 'registered_at', updatedAt: 'updated_at' };

const TOO_BROAD = {
  path: '/query/sort',
  message:
    'needs more instances of the past to be sorted than one response may scan: narrow the search by a service, or sort by service, which needs no sorting',
};

/** Pages of searches of the past. All pages of a search show one revision, to which its cursors are bound. */
@Injectable()
export class PastSearches {
  constructor(
    private readonly instances: PastInstances,
    @Optional() private readonly limits = PAST_LIMITS,
  ) {}

  /** @throws InvalidCursorError for a cursor of another search, or of another revision */
  positionOf(search: PastSearch): SearchPosition | undefined {
    return search.cursor === undefined ? undefined : fromCursor(search, search.cursor);
  }

  /**
   * The JSON of one page, which ends at 4 MiB, too. Sorted by service, it may be short, or empty, when the scan reached its limit.
   * @throws InvalidFilterError when there are too many instances to sort them by a time
   * @throws StoreUnavailableError
   */
  async page(search: PastSearch, position: SearchPosition | undefined, turn: Turn): Promise<string | SharedBody> {
    const { sort } = search;
    const page = new SearchPageJson(search);
    const end = await (sort === 'service'
      ? this.byName(search, position, page, turn)
      : this.byTime(search, sort, position, page, turn));
    return page.body(search.at, end === undefined ? null : toCursor(search, end));
  }

  /** @returns where the next page continues; undefined at the end */
  private async byName(
    search: PastSearch,
    position: SearchPosition | undefined,
    page: SearchPageJson,
    turn: Turn,
  ): Promise<SearchPosition | undefined> {
    const scan = new PastScan(turn, this.limits.page);
    let end = position;
    const [namespace = '', service = '', instanceId = ''] = position ?? [];
    const after = position && { namespace, service, instanceId };
    for await (const row of this.instances.walk({ ...search, scope: search, after }, scan)) {
      if (end && ((page.isFull && row.record !== null) || scan.isSpent)) return end;
      if (row.record) page.add(normalizeRecord(row.record));
      end = nameOf(row);
    }
    return undefined;
  }

  /** No index of the log has this order, so all instances of that revision are scanned, and the first ones kept. */
  private async byTime(
    search: PastSearch,
    sort: SortTime,
    position: SearchPosition | undefined,
    page: SearchPageJson,
    turn: Turn,
  ): Promise<SearchPosition | undefined> {
    const { order, limit } = search;
    const scan = new PastScan(turn, this.limits.whole);
    const timeOf = (record: InstanceRecord): TimePosition => [record[sort], record.id];
    const first = new TopK(order, timeOf, limit + 1);
    const between = (conditions: Conditions) => {
      const add = (isLater: boolean, place: SearchPosition) => {
        const [time, id] = place.map(text => conditions.bind(text));
        const sign = isLater === (order === 'asc') ? '>' : '<';
        conditions.addBound(`(i.${COLUMNS[sort]}, i.id) ${sign} (${time}::timestamptz, ${id}::uuid)`);
      };
      if (position) add(true, position);
      if (first.bound) add(false, first.bound);
    };
    const walk = { ...search, scope: search, order: 'asc', after: undefined } as const;
    for await (const { record } of this.instances.walk(walk, scan, between)) {
      if (scan.isSpent) throw new InvalidFilterError([TOO_BROAD]);
      if (record) first.add(normalizeRecord(record));
    }
    let end: SearchPosition | undefined;
    for (const record of first.records) {
      if (turn.isOver) await turn.next();
      if (page.isFull) return end;
      page.add(record);
      end = timeOf(record);
    }
    return undefined;
  }
}
