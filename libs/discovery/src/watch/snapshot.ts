import { type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { type Turn } from '@coordination/scheduling';
import { patternMeter } from '../selection/pattern-meter.js';
import { isEverything, matcher, type Selection } from '../selection/selection.js';
import { snapshotFrame } from './sse/sse-frames.js';

/** How many characters of JSON make one piece. */
const PIECE_LENGTH = 64 * 1024;

/** How many instances are serialised at once, each of up to 33 kB. */
const STEP = 16;

/**
 * The selected records.
 * @throws InvalidFilterError for patterns that are too costly for so many instances
 */
export async function selected(
  records: readonly InstanceRecord[],
  selection: Selection,
  turn: Turn,
): Promise<readonly InstanceRecord[]> {
  if (isEverything(selection)) return records;
  const matches = matcher(selection, patternMeter());
  const found: InstanceRecord[] = [];
  for (const record of records) {
    if (turn.isOver) await turn.next();
    if (matches(record)) found.push(record);
  }
  return found;
}

/**
 * The snapshot event of a revision in pieces, since it may have hundreds of megabytes. A step that has completed no piece
 * yields undefined.
 */
export function* snapshotPieces(
  revision: number,
  records: readonly InstanceRecord[],
): Generator<Buffer | undefined, void> {
  const { begin, end } = snapshotFrame(revision);
  let text: string = begin;
  for (const [n, record] of records.entries()) {
    if (n > 0) text += ',';
    text += JSON.stringify(toInstanceView(record));
    if (text.length >= PIECE_LENGTH) {
      yield Buffer.from(text);
      text = '';
    } else if (n % STEP === STEP - 1) {
      yield undefined;
    }
  }
  yield Buffer.from(text + end);
}
