import { type CatalogHeadRepository, type LogHead } from '@coordination/audit';
import { type Databases, query, read } from '@coordination/database';
import { INSTANCE_COLUMNS, type InstanceRecord, normalizeRecord } from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type CatalogSearch, type SearchSort } from './catalog-search.js';
import { fromCursor, toCursor } from './search-cursor.js';
import { addSelection, Conditions, DISTINCT_VERSIONS } from './selection/selection-sql.js';
import { type Selection, versionTest } from './selection/selection.js';
import { type ServiceSummary } from './service-summary.js';
import { SUMMARIZE_TAGS, SUMMARIZE_SERVICES, toSummaries, type SummaryRow, type TagRow } from './summary-sql.js';

/** One page of instances. */
export interface SearchPage {
  readonly items: readonly InstanceRecord[];
  /** null at the end. */
  readonly nextCursor: string | null;
}

/** What was found, and the head of the log in the same snapshot. */
export interface SearchResult {
  readonly head: LogHead;
  /** Absent when the caller knows the catalog at this head already. */
  readonly page: SearchPage | undefined;
}

/** Summaries of services, the last revision that touched their namespace, and the head of the log in the same snapshot. */
export interface FoundServices {
  readonly head: LogHead;
  readonly revision: number;
  readonly services: readonly ServiceSummary[];
}

interface SortKey {
  /** Each is unique, and has an index. */
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly positionOf: (record: InstanceRecord) => readonly string[];
}

const SORT_KEYS: Readonly<Record<SearchSort, SortKey>> = {
  service: {
    columns: ['i.namespace', 'i.service', 'i.instance_id'],
    types: ['text', 'text', 'text'],
    positionOf: ({ namespace, service, instanceId }) => [namespace, service, instanceId],
  },
  registeredAt: {
    columns: ['i.registered_at', 'i.id'],
    types: ['timestamptz', 'uuid'],
    positionOf: ({ registeredAt, id }) => [registeredAt, id],
  },
  updatedAt: {
    columns: ['i.updated_at', 'i.id'],
    types: ['timestamptz', 'uuid'],
    positionOf: ({ updatedAt, id }) => [updatedAt, id],
  },
};

/** A statement with the values of its parameters. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

/**
 * Questions to the whole catalog, which PostgreSQL answers: so that a scan of it never blocks the event loop, and a slow
 * one never costs a heartbeat.
 */
export class CatalogSearchRepository {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
  ) {}

  /**
   * One page of a search.
   * @param isKnown asked with the head; when it says yes, nothing is searched
   * @throws InvalidCursorError for a cursor of another search
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async search(search: CatalogSearch, isKnown: (head: LogHead) => boolean): Promise<SearchResult> {
    const position = search.cursor === undefined ? undefined : fromCursor(search, search.cursor);
    return await read(this.databases, async em => {
      const head = await this.heads.read(em);
      if (isKnown(head)) return { head, page: undefined };
      const versions = await this.versionsIn(em, search.selection);
      const { text, parameters } = searchStatement(search, position, versions);
      const rows = await query<InstanceRecord>(em, text, parameters);
      const items = rows.slice(0, search.limit).map(normalizeRecord);
      const last = items.at(-1);
      const hasMore = rows.length > search.limit && last !== undefined;
      const nextCursor = hasMore ? toCursor(search, SORT_KEYS[search.sort].positionOf(last)) : null;
      return { head, page: { items, nextCursor } };
    });
  }

  /**
   * The services of a namespace that have selected instances, with what is selected of them.
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async services(namespace: string, selection: Selection): Promise<FoundServices> {
    return await read(this.databases, async em => {
      const head = await this.heads.read(em);
      const versions = await this.versionsIn(em, selection);
      const conditions = new Conditions().add('i.namespace = $', namespace);
      addSelection(conditions, selection, versions);
      const { where, parameters } = conditions;
      const rows = await query<SummaryRow>(em, SUMMARIZE_SERVICES(where), parameters);
      const tags = await query<TagRow>(em, SUMMARIZE_TAGS(where), parameters);
      const [touched] = await query<{ revision: number | null }>(
        em,
        'select max(revision)::float8 as revision from service_revision where namespace = $1',
        [namespace],
      );
      return { head, revision: touched?.revision ?? head.revision, services: toSummaries(rows, tags) };
    });
  }

  /** The versions that occur and are in the selection's range. Ranges are for semver to judge, not for SQL. */
  private async versionsIn(em: EntityManager, { versionRange }: Selection): Promise<string[]> {
    if (versionRange === null) return [];
    const rows = await query<{ version: string }>(em, DISTINCT_VERSIONS);
    return rows.map(({ version }) => version).filter(versionTest(versionRange));
  }
}

/** The statement that reads one page of a search, and one instance more, which tells whether there is another page. */
export function searchStatement(
  search: CatalogSearch,
  position: readonly string[] | undefined,
  versions: readonly string[],
): Statement {
  const { columns, types } = SORT_KEYS[search.sort];
  const conditions = new Conditions();
  if (search.namespace !== null) conditions.add('i.namespace = $', search.namespace);
  if (search.service !== null) conditions.add('i.service = $', search.service);
  addSelection(conditions, search.selection, versions);
  if (position) {
    const values = position.map((value, n) => `${conditions.bind(value)}::${types[n]}`);
    const isAfter = search.order === 'asc' ? '>' : '<';
    conditions.addBound(`(${columns.join(', ')}) ${isAfter} (${values.join(', ')})`);
  }
  const limit = conditions.bind(search.limit + 1);
  const order = columns.map(column => `${column} ${search.order}`).join(', ');
  return {
    text: `select ${INSTANCE_COLUMNS} from service_instance i ${conditions.where} order by ${order} limit ${limit}`,
    parameters: conditions.parameters,
  };
}
