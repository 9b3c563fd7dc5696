import { type InstanceRecord } from '@coordination/catalog';
import { type SearchSort } from '../catalog-search.js';
import { type SearchPosition } from '../search-cursor.js';

/** The members of an instance that orders compare. */
export type Placed = Pick<InstanceRecord, 'namespace' | 'service' | 'instanceId' | 'registeredAt' | 'updatedAt' | 'id'>;

/** An order of instances, in which no two have the same place. */
export interface SortKey {
  readonly compare: (a: Placed, b: Placed) => number;
  /** The place of an instance, as cursors have it. */
  readonly positionOf: (record: Placed) => SearchPosition;
  /** Something with this place, to compare instances with. */
  readonly placeAt: (position: SearchPosition) => Placed;
}

/**
 * The order of two texts of ASCII letters, digits and signs: by code, as PostgreSQL's collation "C" has it. All names, ids and
 * times consist of these, so code units, code points and bytes have one order.
 */
export const compareTexts = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

const NOWHERE: Placed = { namespace: '', service: '', instanceId: '', registeredAt: '', updatedAt: '', id: '' };

/** Times have one form (UTC, milliseconds), so that their texts sort as they do; an id sorts as its text in lower case. */
const byTime = (member: 'registeredAt' | 'updatedAt'): SortKey => ({
  compare: (a, b) => compareTexts(a[member], b[member]) || compareTexts(a.id, b.id),
  positionOf: record => [record[member], record.id],
  placeAt: ([time = '', id = '']) => ({ ...NOWHERE, [member]: time, id: id.toLowerCase() }),
});

export const SORT_KEYS: Readonly<Record<SearchSort, SortKey>> = {
  service: {
    compare: (a, b) =>
      compareTexts(a.namespace, b.namespace) ||
      compareTexts(a.service, b.service) ||
      compareTexts(a.instanceId, b.instanceId),
    positionOf: ({ namespace, service, instanceId }) => [namespace, service, instanceId],
    placeAt: ([namespace = '', service = '', instanceId = '']) => ({ ...NOWHERE, namespace, service, instanceId }),
  },
  registeredAt: byTime('registeredAt'),
  updatedAt: byTime('updatedAt'),
};
