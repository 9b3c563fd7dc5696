import { type Clock } from '@coordination/kernel';
import { type CatalogView, type FeedScope, type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { ScanBudget } from '../selection/scan-budget.js';
import { patternMeter } from '../selection/pattern-meter.js';
import { isEverything, matcher, type Selection } from '../selection/selection.js';
import { snapshotFrame } from './sse-frames.js';

/** How many bytes of JSON make one piece. */
const PIECE_LENGTH = 64 * 1024;

/** Whatever has been decided to be looked at is looked at, in turns. */
const NO_LIMIT = { instances: Infinity, milliseconds: Infinity } as const;

/**
 * The instances in scope at this moment. Records never change, so they are those of this moment for ever; only the
 * references are copied, which takes some milliseconds for a whole catalog.
 */
export function recordsIn(view: CatalogView, { namespace, service }: FeedScope): InstanceRecord[] {
  const records: InstanceRecord[] = [];
  for (const each of namespace === null ? view.namespaces().keys() : [namespace]) {
    for (const name of service === null ? view.services(each).keys() : [service]) {
      for (const record of view.instancesOf(each, name).values()) records.push(record);
    }
  }
  return records;
}

/**
 * Those of the records that are selected; others have their turns meanwhile.
 * @throws InvalidFilterError for patterns that are too costly for as many instances
 */
export async function selected(
  records: readonly InstanceRecord[],
  selection: Selection,
  clock: Clock,
): Promise<readonly InstanceRecord[]> {
  if (isEverything(selection)) return records;
  const matches = matcher(selection, patternMeter());
  const budget = new ScanBudget(NO_LIMIT, clock);
  const found: InstanceRecord[] = [];
  for (const record of records) {
    await budget.look();
    if (matches(record)) found.push(record);
  }
  return found;
}

/** The event that tells the instances at a revision, in pieces: it may be of hundreds of megabytes. */
export function* snapshotPieces(revision: number, records: readonly InstanceRecord[]): Generator<Buffer, void> {
  const { begin, end } = snapshotFrame(revision);
  let text: string = begin;
  let separator = '';
  for (const record of records) {
    text += separator + JSON.stringify(toInstanceView(record));
    separator = ',';
    if (text.length < PIECE_LENGTH) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text + end);
}
