import { type Clock } from '@coordination/kernel';
import { type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { ScanBudget } from '../selection/scan-budget.js';
import { patternMeter } from '../selection/pattern-meter.js';
import { isEverything, matcher, type Selection } from '../selection/selection.js';
import { snapshotFrame } from './sse/sse-frames.js';

/** How many characters of JSON make one piece. */
const PIECE_LENGTH = 64 * 1024;

/** The scan is complete in any case; the budget only lets other work run in between. */
const NO_LIMIT = { instances: Infinity, milliseconds: Infinity } as const;

/**
 * The selected records. Other work runs in between.
 * @throws InvalidFilterError for patterns that are too costly for so many instances
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
    await budget.step();
    if (matches(record)) found.push(record);
  }
  return found;
}

/** The snapshot event of a revision in pieces, since it may have hundreds of megabytes. */
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
