import { type CatalogHeadRepository, type LogHead } from '@coordination/log';
import { type Databases, query, readSnapshot, READ_TIMEOUT_MS } from '@coordination/database';
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
import { type Candidates, judgedPage, judgedSummaries, type Judgement } from './memory-scan.js';
import { type CatalogSearch, type SearchSort } from './catalog-search.js';
import { orTooCostly } from './costly-selection.js';
import { ScanBudget, type ScanLimits } from '../selection/scan-budget.js';
import { fromCursor, toCursor } from './search-cursor.js';
import { type FilterSubject } from '../selection/evaluate.js';
import { FIELDS } from '../selection/expression.js';
import { addSelection, Conditions, DISTINCT_VERSIONS, type Statement } from '../selection/selection-sql.js';
import { hasVersionRange, matcher, type Selection } from '../selection/selection.js';
import { type ServiceSummary } from './service-summary.js';
import { SUMMARIZE_TAGS, SUMMARIZE_SERVICES, toSummaries, type SummaryRow, type TagRow } from './summary-sql.js';

/** One page of instances. */
export interface SearchPage {
  readonly items: readonly InstanceView[];
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
  /** Whether it selects what the search asks for; if not, it selects too much. */
  readonly isExact: boolean;
}

/** What one request may cost: in PostgreSQL, and in memory where PostgreSQL cannot decide. */
export interface SearchLimits {
  /** For one statement. */
  readonly statementMs: number;
  /** For a page; a statement under way when it is spent ends by its own limit. */
  readonly page: ScanLimits;
  /** For all summaries, since they are all or nothing. Less than the 10 s that an open snapshot may last. */
  readonly summaries: ScanLimits;
}

const SEARCH_LIMITS: SearchLimits = {
  statementMs: READ_TIMEOUT_MS,
  page: { instances: 50_000, milliseconds: 3_000 },
  summaries: { instances: 300_000, milliseconds: 5_000 },
};

/**
 * Questions to the whole catalog, which PostgreSQL answers: so that a scan of it never blocks the event loop, and a slow
 * one never costs a heartbeat.
 */
export class CatalogSearchRepository {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly limits = SEARCH_LIMITS,
  ) {}

  /**
   * One page of a search.
   * @param isKnown asked with the head; when it says yes, nothing is searched
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
        const candidates = { read, positionOf: SORT_KEYS[search.sort].positionOf };
        const judgement = judging(search.selection, this.limits.page);
        const { items, last } = await judgedPage(candidates, position, search.limit, judgement);
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
   * The services of a namespace that have selected instances, with what is selected of them.
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
        JUDGED_COLUMNS,
      );
      const services = isExact
        ? await summaries(em, conditions)
        : await judgedSummaries({ read, positionOf: nameOf }, judging(selection, this.limits.summaries));
      const [touched] = await query<{ revision: number | null }>(em, NAMESPACE_REVISION, [namespace]);
      return { head, revision: touched?.revision ?? head.revision, services };
    });
  }

  private async read<T>(selection: Selection, work: (em: EntityManager, heard: () => void) => Promise<T>): Promise<T> {
    const { statementMs } = this.limits;
    return await orTooCostly(selection, () => readSnapshot(this.databases, work, { timeoutMs: statementMs }));
  }

  /** The versions that occur, if the selection has a range: which of them are in it is for semver to judge, not for SQL. */
  private async versionsFor(em: EntityManager, selection: Selection): Promise<string[]> {
    if (!hasVersionRange(selection)) return [];
    const rows = await query<{ version: string }>(em, DISTINCT_VERSIONS);
    return rows.map(({ version }) => version);
  }
}

/** The statement that reads one page of a search, and one instance more, which tells whether there is another page. */
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

/** As the view knows it. */
const NAMESPACE_REVISION = `
  select coalesce(
    greatest(
      (select max(revision) from service_revision where namespace = $1),
      (select revision from namespace_floor where namespace = $1)),
    (select revision from namespace_floor where namespace = '${EVERY_OTHER_NAMESPACE}'))::float8 as revision`;

/** Of an instance `i`, what an expression can speak of and a summary tells: half as much to read as all of it. */
const JUDGED_COLUMNS = INSTANCES.only(...FIELDS, 'metadata').select('i');

/** Reads what SQL cannot rule out, step by step, within a transaction. */
function stepsOf<Candidate extends FilterSubject>(
  em: EntityManager,
  heard: () => void,
  scope: SearchScope,
  versions: readonly string[],
  columns: string,
): Candidates<Candidate>['read'] {
  return async (after, count) => {
    // The statement asks for one more than its limit.
    const { text, parameters } = searchStatement({ ...scope, limit: count - 1 }, after, versions, columns);
    const rows = await query<Candidate>(em, text, parameters);
    heard();
    return rows;
  };
}

const ALL_BY_SERVICE = { service: null, sort: 'service', order: 'asc' } as const;

const judging = (selection: Selection, limits: ScanLimits): Judgement => ({
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
