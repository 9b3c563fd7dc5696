import { type Fields } from '../listing/instance-fields.js';
import { type Selection } from '../selection/selection.js';

export const SEARCH_SORTS = ['service', 'registeredAt', 'updatedAt'] as const;
export type SearchSort = (typeof SEARCH_SORTS)[number];

export const SEARCH_ORDERS = ['asc', 'desc'] as const;
export type SearchOrder = (typeof SEARCH_ORDERS)[number];

/** A search of the whole catalog for one page. */
export interface CatalogSearch {
  /** null: all namespaces. */
  readonly namespace: string | null;
  /** null: all services. */
  readonly service: string | null;
  readonly selection: Selection;
  readonly sort: SearchSort;
  readonly order: SearchOrder;
  /** Instances per page. */
  readonly limit: number;
  /** From the previous page; absent for the first. */
  readonly cursor: string | undefined;
  /** Members of each instance; all of them, if absent. */
  readonly fields?: Fields;
}
