import { type FilterSubject } from './evaluate.js';
import { type TextTest } from './pattern.js';
import { matcher, type Selection } from './selection.js';

/** How many texts each pattern of a scan remembers: some hundred kilobytes, since the texts themselves exist already. */
const REMEMBERED_TEXTS = 10_000;

/**
 * The test of a selection for one scan of many instances. Many instances have the same texts (hosts, services, zones,
 * versions), so a pattern is tried once on each of them. The cost of patterns is counted in steps (see {@link Meter}), which
 * depend on the selection and the instances alone, not on the speed or the load of the machine.
 */
export class ScanTest {
  /** Whether an instance is selected. A single test is always finished, whatever it costs. */
  readonly matches: (record: FilterSubject) => boolean;
  private taken = 0;

  /** @param maxSteps after how many steps the scan must end */
  constructor(
    selection: Selection,
    private readonly maxSteps: number,
  ) {
    this.matches = matcher(selection, steps => void (this.taken += steps), remembering);
  }

  /** How many steps patterns have taken. */
  get steps(): number {
    return this.taken;
  }

  /** Whether the scan must end. */
  get isSpent(): boolean {
    return this.taken >= this.maxSteps;
  }
}

/** The same test, which remembers the results of the first texts that differ. */
function remembering(test: TextTest): TextTest {
  const results = new Map<string, boolean>();
  return text => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const result = test(text);
    if (results.size < REMEMBERED_TEXTS) results.set(text, result);
    return result;
  };
}
