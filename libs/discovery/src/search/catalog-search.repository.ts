import { CatalogHeadRepository, type LogHead } from '@coordination/log';
import { Databases, query, readSnapshot, READ_TIMEOUT_MS } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import {
  EVERY_OTHER_NAMESPACE,
  INSTANCE_COLUMNS,
  INSTANCES,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceView,
  normalizeRecord,
  toInstanceView,
} from '@coordination/catalog';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { type RowSource, scanPage, scanSummaries, type ScanFilter } from './memory-scan.js';
import { type CatalogSearch, type SearchSort } from './catalog-search.js';
import { orTooCostly } from './costly-selection.js';
import { ScanBudget, type ScanLimits } from '../selection/scan-budget.js';
import { fromCursor, toCursor } from './search-cursor.js';
import { type FilterSubject } from '../selection/evaluate.js';
import { FIELDS } from '../selection/expression.js';
import { addSelection, Conditions, DISTINCT_VERSIONS, type Statement } from '../selection/selection-sql.js';
import { hasVersionRange, matcher, type Selection } from '../selection/selection.js';
import { type ServiceSummary } from '../summary/service-summary.js';
import {
  SUMMARIZE_TAGS,
  SUMMARIZE_SERVICES,
  toSummaries,
  type SummaryRow,
  type TagRow,
} from '../summary/summary-sql.js';

/** One page of instances. */
export interface SearchPage {
  readonly items: readonly InstanceView[];
  /** null at the end. */
  readonly nextCursor: string | null;
}

/** The result of a search, and the head of the log in the same snapshot. */
export interface SearchResult {
  readonly head: LogHead;
  /** Absent when the client knows the catalog at this head already. */
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

const nameOf = ({ namespace, service, instanceId }: InstanceIdentity): readonly string[] => [
  namespace,
  service,
  instanceId,
];

const SORT_KEYS: Readonly<Record<SearchSort, SortKey>> = {
  service: {
    columns: ['i.namespace', 'i.service', 'i.instance_id'],
    types: ['text', 'text', 'text'],
    positionOf: nameOf,
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

/** Which instances, in which order. */
type SearchScope = Pick<CatalogSearch, 'namespace' | 'service' | 'selection' | 'sort' | 'order'>;

export interface SearchStatement extends Statement {
  /** Whether it selects exactly what the search selects; if not, it selects more. */
  readonly isExact: boolean;
}

/** Bounds of one request: in PostgreSQL, and in memory where PostgreSQL cannot decide. */
export interface SearchLimits {
  /** For one statement. */
  readonly statementMs: number;
  /** For a page; a running statement ends by its own limit. */
  readonly page: ScanLimits;
  /** For summaries, which must be complete. Less than the 10 s that an open snapshot may last. */
  readonly summaries: ScanLimits;
}

const SEARCH_LIMITS: SearchLimits = {
  statementMs: READ_TIMEOUT_MS,
  page: { instances: 50_000, milliseconds: 3_000 },
  summaries: { instances: 300_000, milliseconds: 5_000 },
};

/**
 * Searches of the whole catalog in PostgreSQL, so that a scan of it never blocks the event loop, and a slow one never delays
 * a heartbeat.
 */
@Injectable()
export class CatalogSearchRepository {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    @Optional() private readonly limits = SEARCH_LIMITS,
  ) {}

  /**
   * One page of a search.
   * @param isKnown whether the client knows the catalog at a head already; then nothing is searched
   * @throws InvalidCursorError for a cursor of another search
   * @throws InvalidFilterError for an expression of many comparisons that the database cannot decide in time
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async search(search: CatalogSearch, isKnown: (head: LogHead) => boolean): Promise<SearchResult> {
    const position = search.cursor === undefined ? undefined : fromCursor(search, search.cursor);
    return await this.read(search.selection, async (em, heard) => {
      const head = await this.heads.read(em);
      if (isKnown(head)) return { head, page: undefined };
      const versions = await this.versionsFor(em, search.selection);
      const statement = searchStatement(search, position, versions);
      if (!statement.isExact) {
        const read = stepsOf<InstanceRecord>(em, heard, search, versions, INSTANCE_COLUMNS);
        const rows = { read, positionOf: SORT_KEYS[search.sort].positionOf };
        const filter = scanFilter(search.selection, this.limits.page);
        const { items, last } = await scanPage(rows, position, search.limit, filter);
        return { head, page: { items, nextCursor: last === undefined ? null : cursorAt(search, last) } };
      }
      const rows = await query<InstanceRecord>(em, statement.text, statement.parameters);
      const items = rows.slice(0, search.limit).map(row => toInstanceView(normalizeRecord(row)));
      const last = items.at(-1);
      const hasMore = rows.length > search.limit && last !== undefined;
      return { head, page: { items, nextCursor: hasMore ? cursorAt(search, last) : null } };
    });
  }

  /**
   * The services of a namespace that have selected instances, with summaries of those.
   * @throws InvalidFilterError for patterns that would have to be tried on too many instances, and as a search does
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async services(namespace: string, selection: Selection): Promise<FoundServices> {
    return await this.read(selection, async (em, heard) => {
      const head = await this.heads.read(em);
      const versions = await this.versionsFor(em, selection);
      const conditions = new Conditions().add('i.namespace = $', namespace);
      const isExact = addSelection(conditions, selection, versions);
      const read = stepsOf<FilterSubject>(
        em,
        heard,
        { ...ALL_BY_SERVICE, namespace, selection },
        versions,
        FILTER_COLUMNS,
      );
      const services = isExact
        ? await summaries(em, conditions)
        : await scanSummaries({ read, positionOf: nameOf }, scanFilter(selection, this.limits.summaries));
      const [touched] = await query<{ revision: number | null }>(em, NAMESPACE_REVISION, [namespace]);
      return { head, revision: touched?.revision ?? head.revision, services };
    });
  }

  private async read<T>(selection: Selection, work: (em: EntityManager, heard: () => void) => Promise<T>): Promise<T> {
    const { statementMs } = this.limits;
    return await orTooCostly(selection, () => readSnapshot(this.databases, work, { timeoutMs: statementMs }));
  }

  /** All versions, if the selection has a range: semver, not SQL, decides which of them are in it. */
  private async versionsFor(em: EntityManager, selection: Selection): Promise<string[]> {
    if (!hasVersionRange(selection)) return [];
    const rows = await query<{ version: string }>(em, DISTINCT_VERSIONS);
    return rows.map(({ version }) => version);
  }
}

/** The statement that reads one page of a search, and one instance more, which shows whether there is another page. */
export function searchStatement(
  search: SearchScope & Pick<CatalogSearch, 'limit'>,
  position: readonly string[] | undefined,
  versions: readonly string[],
  selected = INSTANCE_COLUMNS,
): SearchStatement {
  const { columns, types } = SORT_KEYS[search.sort];
  const conditions = new Conditions();
  if (search.namespace !== null) conditions.add('i.namespace = $', search.namespace);
  if (search.service !== null) conditions.add('i.service = $', search.service);
  const isExact = addSelection(conditions, search.selection, versions);
  if (position) {
    const values = position.map((value, n) => `${conditions.bind(value)}::${types[n]}`);
    const isAfter = search.order === 'asc' ? '>' : '<';
    conditions.addBound(`(${columns.join(', ')}) ${isAfter} (${values.join(', ')})`);
  }
  const limit = conditions.bind(search.limit + 1);
  const order = columns.map(column => `${column} ${search.order}`).join(', ');
  return {
    text: `select ${selected} from service_instance i ${conditions.where} order by ${order} limit ${limit}`,
    parameters: conditions.parameters,
    isExact,
  };
}

/** The revision of a namespace as `CatalogView.namespaceRevision` has it. */
const NAMESPACE_REVISION = `
  select coalesce(
    greatest(
      (select max(revision) from service_revision where namespace = $1),
      (select revision from namespace_floor where namespace = $1)),
    (select revision from namespace_floor where namespace = '${EVERY_OTHER_NAMESPACE}'))::float8 as revision`;

/** The columns of an instance `i` that expressions and summaries use: half as much to read as all of them. */
const FILTER_COLUMNS = INSTANCES.only(...FIELDS, 'metadata').select('i');

/** Reads the rows that SQL cannot exclude, step by step, within a transaction. */
function stepsOf<Row extends FilterSubject>(
  em: EntityManager,
  heard: () => void,
  scope: SearchScope,
  versions: readonly string[],
  columns: string,
): RowSource<Row>['read'] {
  return async (after, count) => {
    // The statement reads one row more than its limit.
    const { text, parameters } = searchStatement({ ...scope, limit: count - 1 }, after, versions, columns);
    const rows = await query<Row>(em, text, parameters);
    heard();
    return rows;
  };
}

const ALL_BY_SERVICE = { service: null, sort: 'service', order: 'asc' } as const;

const scanFilter = (selection: Selection, limits: ScanLimits): ScanFilter => ({
  matches: matcher(selection),
  budget: new ScanBudget(limits, systemClock),
});

const cursorAt = (search: CatalogSearch, last: InstanceRecord): string =>
  toCursor(search, SORT_KEYS[search.sort].positionOf(last));

async function summaries(em: EntityManager, { where, parameters }: Conditions): Promise<ServiceSummary[]> {
  const rows = await query<SummaryRow>(em, SUMMARIZE_SERVICES(where), parameters);
  const tags = await query<TagRow>(em, SUMMARIZE_TAGS(where), parameters);
  return toSummaries(rows, tags);
}
