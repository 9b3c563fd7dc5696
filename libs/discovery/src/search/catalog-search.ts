import { type Fields } from '../listing/instance-fields.js';
import { type Selection } from '../selection/selection.js';

export const SEARCH_SORTS = ['service', 'registeredAt', 'updatedAt'] as const;
export type SearchSort = (typeof SEARCH_SORTS)[number];

export const SEARCH_ORDERS = ['asc', 'desc'] as const;
export type SearchOrder = (typeof SEARCH_ORDERS)[number];

/** A question to the whole catalog, one page of whose answer is wanted. */
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
  /** From the page before; absent for the first. */
  readonly cursor: string | undefined;
  /** Of each instance; all of them, if absent. */
  readonly fields?: Fields;
}
