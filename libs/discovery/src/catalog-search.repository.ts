import { type CatalogHeadRepository, type LogHead } from '@coordination/audit';
import { type Databases, query, read } from '@coordination/database';
import { InvalidFilterError, systemClock } from '@coordination/kernel';
import { INSTANCE_COLUMNS, type InstanceRecord, normalizeRecord } from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type CatalogSearch, type SearchSort } from './catalog-search.js';
import { LookBudget, type LookLimits } from './look-budget.js';
import { fromCursor, toCursor } from './search-cursor.js';
import { addSelection, Conditions, DISTINCT_VERSIONS } from './selection/selection-sql.js';
import { hasVersionRange, matcher, type Selection } from './selection/selection.js';
import { ServiceSummarizer, type ServiceSummary, sorted } from './service-summary.js';
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

export interface SearchStatement extends Statement {
  /** Whether it selects what the search asks for; if not, it selects too much. */
  readonly isExact: boolean;
}

/** How many instances are read at once where PostgreSQL cannot decide: as many as the largest page has. */
const CANDIDATES_PER_STEP = 1_000;

/** How much one page may cost where PostgreSQL cannot decide. The statement under way when it is spent ends by its own limit. */
const SEARCH_LOOKS: LookLimits = { instances: 50_000, milliseconds: 3_000 };

/** A summary is all or nothing, so it gets more; still less than the 10 s that an open snapshot may last. */
const SUMMARY_LOOKS: LookLimits = { instances: 300_000, milliseconds: 5_000 };

const TOO_BROAD = {
  path: '/query/filter',
  message:
    'has a pattern that would have to be tried on too many instances: narrow it by a comparison without a pattern, or search page by page at /api/v1/discovery/instances',
};

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
    return await read(this.databases, async (em, heard) => {
      const head = await this.heads.read(em);
      if (isKnown(head)) return { head, page: undefined };
      const versions = await this.versionsFor(em, search.selection);
      const statement = searchStatement(search, position, versions);
      if (!statement.isExact) return { head, page: await this.judgedPage(em, search, position, versions, heard) };
      const rows = await query<InstanceRecord>(em, statement.text, statement.parameters);
      const items = rows.slice(0, search.limit).map(normalizeRecord);
      const last = items.at(-1);
      const hasMore = rows.length > search.limit && last !== undefined;
      return { head, page: { items, nextCursor: hasMore ? cursorAt(search, last) : null } };
    });
  }

  /** A page of what SQL cannot decide: it is short, or empty, where too many instances had to be looked at for more. */
  private async judgedPage(
    em: EntityManager,
    search: CatalogSearch,
    position: readonly string[] | undefined,
    versions: readonly string[],
    heard: () => void,
  ): Promise<SearchPage> {
    const budget = new LookBudget(SEARCH_LOOKS, systemClock);
    const matches = matcher(search.selection);
    const items: InstanceRecord[] = [];
    let last: InstanceRecord | undefined;
    for await (const candidate of this.candidates(em, search, position, versions, heard)) {
      if (last && (items.length === search.limit || budget.isSpent))
        return { items, nextCursor: cursorAt(search, last) };
      await budget.look();
      if (matches(candidate)) items.push(normalizeRecord(candidate));
      last = candidate;
    }
    return { items, nextCursor: null };
  }

  /** All that SQL cannot rule out, in the order of the search, in steps of bounded size. */
  private async *candidates(
    em: EntityManager,
    search: CatalogSearch,
    position: readonly string[] | undefined,
    versions: readonly string[],
    heard: () => void,
  ): AsyncGenerator<InstanceRecord> {
    const step = { ...search, limit: CANDIDATES_PER_STEP };
    for (let after = position; ;) {
      const { text, parameters } = searchStatement(step, after, versions);
      const rows = await query<InstanceRecord>(em, text, parameters);
      heard();
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length <= step.limit) return;
      after = SORT_KEYS[search.sort].positionOf(last);
    }
  }

  /**
   * The services of a namespace that have selected instances, with what is selected of them.
   * @throws InvalidFilterError for patterns that would have to be tried on too many instances
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async services(namespace: string, selection: Selection): Promise<FoundServices> {
    return await read(this.databases, async (em, heard) => {
      const head = await this.heads.read(em);
      const versions = await this.versionsFor(em, selection);
      const conditions = new Conditions().add('i.namespace = $', namespace);
      const isExact = addSelection(conditions, selection, versions);
      const services = isExact
        ? await summaries(em, conditions)
        : await this.judgedSummaries(em, namespace, selection, versions, heard);
      const [touched] = await query<{ revision: number | null }>(
        em,
        'select max(revision)::float8 as revision from service_revision where namespace = $1',
        [namespace],
      );
      return { head, revision: touched?.revision ?? head.revision, services };
    });
  }

  /** The same as SQL would say, folded from all that it cannot rule out; in bounded steps. */
  private async judgedSummaries(
    em: EntityManager,
    namespace: string,
    selection: Selection,
    versions: readonly string[],
    heard: () => void,
  ): Promise<ServiceSummary[]> {
    const budget = new LookBudget(SUMMARY_LOOKS, systemClock);
    const matches = matcher(selection);
    const summarizers = new Map<string, ServiceSummarizer>();
    const all = {
      namespace,
      service: null,
      selection,
      sort: 'service',
      order: 'asc',
      limit: 0,
      cursor: undefined,
    } as const;
    for await (const candidate of this.candidates(em, all, undefined, versions, heard)) {
      if (budget.isSpent) throw new InvalidFilterError([TOO_BROAD]);
      await budget.look();
      if (!matches(candidate)) continue;
      const { service } = candidate;
      const summarizer = summarizers.get(service) ?? new ServiceSummarizer(service);
      summarizer.add(candidate);
      summarizers.set(service, summarizer);
    }
    return sorted(summarizers.keys()).map(service => summarizers.get(service)!.summary());
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
  search: CatalogSearch,
  position: readonly string[] | undefined,
  versions: readonly string[],
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
    text: `select ${INSTANCE_COLUMNS} from service_instance i ${conditions.where} order by ${order} limit ${limit}`,
    parameters: conditions.parameters,
    isExact,
  };
}

const cursorAt = (search: CatalogSearch, last: InstanceRecord): string =>
  toCursor(search, SORT_KEYS[search.sort].positionOf(last));

async function summaries(em: EntityManager, { where, parameters }: Conditions): Promise<ServiceSummary[]> {
  const rows = await query<SummaryRow>(em, SUMMARIZE_SERVICES(where), parameters);
  const tags = await query<TagRow>(em, SUMMARIZE_TAGS(where), parameters);
  return toSummaries(rows, tags);
}
