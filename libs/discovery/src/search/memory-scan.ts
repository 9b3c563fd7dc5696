import { InvalidFilterError } from '@coordination/kernel';
import { type InstanceRecord, type InstanceView, normalizeRecord, toInstanceView } from '@coordination/catalog';
import { type ScanBudget } from '../selection/scan-budget.js';
import { type FilterSubject } from '../selection/evaluate.js';
import { ServiceSummarizer, type ServiceSummary, sorted } from './service-summary.js';

/** How many instances are read at once where PostgreSQL cannot decide: as many as the largest page has. */
const CANDIDATES_PER_STEP = 1_000;

const TOO_BROAD = {
  path: '/query/filter',
  message:
    'has a pattern that would have to be tried on too many instances: narrow it by a comparison without a pattern, or search page by page at /api/v1/discovery/instances',
};

/** Instances in a certain order of which PostgreSQL could not rule out that they are selected. */
export interface Candidates<Candidate extends FilterSubject> {
  /** The next ones after a position, or the first. Fewer than asked for mean that there are no more. */
  readonly read: (after: readonly string[] | undefined, count: number) => Promise<readonly Candidate[]>;
  readonly positionOf: (record: Candidate) => readonly string[];
}

/** Who judges them, and how many at most. */
export interface Judgement {
  readonly matches: (record: FilterSubject) => boolean;
  readonly budget: ScanBudget;
}

/**
 * The next page of those that match. It is short, or empty, where too many had to be looked at for more.
 * @returns with `last` the one that was looked at last, unless there are no more
 */
export async function judgedPage(
  candidates: Candidates<InstanceRecord>,
  from: readonly string[] | undefined,
  limit: number,
  { matches, budget }: Judgement,
): Promise<{ items: InstanceView[]; last?: InstanceRecord }> {
  const items: InstanceView[] = [];
  let last: InstanceRecord | undefined;
  for await (const candidate of walk(candidates, from)) {
    if (last && (items.length === limit || budget.isSpent)) return { items, last };
    await budget.look();
    if (matches(candidate)) items.push(toInstanceView(normalizeRecord(candidate)));
    last = candidate;
  }
  return { items };
}

/**
 * What there is to say of those that match, by service.
 * @throws InvalidFilterError when too many would have to be looked at
 */
export async function judgedSummaries(
  candidates: Candidates<FilterSubject>,
  { matches, budget }: Judgement,
): Promise<ServiceSummary[]> {
  const summarizers = new Map<string, ServiceSummarizer>();
  for await (const candidate of walk(candidates, undefined)) {
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

/** All of them, in steps of bounded size. */
async function* walk<Candidate extends FilterSubject>(
  { read, positionOf }: Candidates<Candidate>,
  from: readonly string[] | undefined,
): AsyncGenerator<Candidate> {
  for (let after = from; ;) {
    const step = await read(after, CANDIDATES_PER_STEP);
    yield* step;
    const last = step.at(-1);
    if (last === undefined || step.length < CANDIDATES_PER_STEP) return;
    after = positionOf(last);
  }
}
