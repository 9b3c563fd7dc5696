import { InvalidFilterError } from '@coordination/kernel';
import { type InstanceRecord, type InstanceView, normalizeRecord, toInstanceView } from '@coordination/catalog';
import { type ScanBudget } from '../selection/scan-budget.js';
import { type FilterSubject } from '../selection/evaluate.js';
import { ServiceSummarizer, type ServiceSummary, sorted } from '../summary/service-summary.js';

/** How many rows are read at once where PostgreSQL cannot decide: as many as the largest page has. */
const ROWS_PER_STEP = 1_000;

const TOO_BROAD = {
  path: '/query/filter',
  message:
    'has a pattern that would have to be tried on too many instances: narrow it by a comparison without a pattern, or search page by page at /api/v1/discovery/instances',
};

/** Rows in an order, which contain all selected instances and others that PostgreSQL could not exclude. */
export interface RowSource<Row extends FilterSubject> {
  /** The next rows after a position, or the first. Fewer than `count` mean that there are no more. */
  readonly read: (after: readonly string[] | undefined, count: number) => Promise<readonly Row[]>;
  readonly positionOf: (row: Row) => readonly string[];
}

/** Which rows are selected, and how many may be tested. */
export interface ScanFilter {
  readonly matches: (record: FilterSubject) => boolean;
  readonly budget: ScanBudget;
}

/**
 * The next page of the selected instances. It is short, or empty, when the budget was spent before it was full.
 * @returns `last`: the row that was tested last, unless there are no more
 */
export async function scanPage(
  rows: RowSource<InstanceRecord>,
  from: readonly string[] | undefined,
  limit: number,
  { matches, budget }: ScanFilter,
): Promise<{ items: InstanceView[]; last?: InstanceRecord }> {
  const items: InstanceView[] = [];
  let last: InstanceRecord | undefined;
  for await (const row of walk(rows, from)) {
    if (last && (items.length === limit || budget.isSpent)) return { items, last };
    await budget.step();
    if (matches(row)) items.push(toInstanceView(normalizeRecord(row)));
    last = row;
  }
  return { items };
}

/**
 * Summaries of the selected instances, by service.
 * @throws InvalidFilterError when the budget is spent before the end
 */
export async function scanSummaries(
  rows: RowSource<FilterSubject>,
  { matches, budget }: ScanFilter,
): Promise<ServiceSummary[]> {
  const summarizers = new Map<string, ServiceSummarizer>();
  for await (const row of walk(rows, undefined)) {
    if (budget.isSpent) throw new InvalidFilterError([TOO_BROAD]);
    await budget.step();
    if (!matches(row)) continue;
    const { service } = row;
    const summarizer = summarizers.get(service) ?? new ServiceSummarizer(service);
    summarizer.add(row);
    summarizers.set(service, summarizer);
  }
  return sorted(summarizers.keys()).map(service => summarizers.get(service)!.summary());
}

/** All rows, read in steps of bounded size. */
async function* walk<Row extends FilterSubject>(
  { read, positionOf }: RowSource<Row>,
  from: readonly string[] | undefined,
): AsyncGenerator<Row> {
  for (let after = from; ;) {
    const step = await read(after, ROWS_PER_STEP);
    yield* step;
    const last = step.at(-1);
    if (last === undefined || step.length < ROWS_PER_STEP) return;
    after = positionOf(last);
  }
}
