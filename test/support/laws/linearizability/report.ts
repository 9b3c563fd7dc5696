import { checkLinearizable, type Verdict } from './check.js';
import { type Operation, type SequentialModel } from './operation.js';

/** Operations before the culprit that are shown at most. */
const MAX_SHOWN = 30;

/** A history of one key that is not linearizable, or that could not be decided. */
export interface Violation {
  readonly key: string;
  readonly verdict: Exclude<Verdict<unknown>, { outcome: 'linearizable' }>['outcome'];
  /** How many operations it takes to show it. */
  readonly size: number;
  /** For people. */
  readonly text: string;
}

/**
 * Checks the history of each key by itself, which is enough, since linearizability is local.
 * @returns what is wrong, beginning with what takes the fewest operations to see
 */
export function checkEachKey<S, I, O>(
  model: SequentialModel<S, I, O>,
  histories: ReadonlyMap<string, readonly Operation<I, O>[]>,
): Violation[] {
  return [...histories]
    .flatMap(([key, history]) => violationOf(model, key, history) ?? [])
    .sort((a, b) => a.size - b.size);
}

function violationOf<S, I, O>(
  model: SequentialModel<S, I, O>,
  key: string,
  history: readonly Operation<I, O>[],
): Violation | undefined {
  const verdict = checkLinearizable(model, history);
  if (verdict.outcome === 'linearizable') return undefined;
  const culprit = history[verdict.culprit]!;
  if (verdict.outcome === 'undecided') {
    const text = `${key}: undecided after ${history.length} operations, at:\n${describe(culprit)}`;
    return { key, verdict: verdict.outcome, size: history.length, text };
  }
  const needed = reduced(model, history, culprit);
  const possible = verdict.possible.map(state => `  ${model.keyOf(state)}`);
  const text = [
    `${key}: not linearizable. ${needed.length} of its ${history.length} operations show it:`,
    ...(needed.length > MAX_SHOWN ? [`  … ${needed.length - MAX_SHOWN} before these`] : []),
    ...needed.slice(-MAX_SHOWN).map(operation => describe(operation, operation === culprit)),
    'The marked one cannot have been answered so. What may have been there before it:',
    ...possible,
  ].join('\n');
  return { key, verdict: verdict.outcome, size: needed.length, text };
}

/**
 * The part of a history that shows the violation: nothing that was called after the culprit had returned, and of what
 * changed nothing only what is needed. (What changed something cannot be left out: others may have seen it.)
 */
function reduced<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  culprit: Operation<I, O>,
): Operation<I, O>[] {
  let kept = history.filter(({ calledAt }) => calledAt <= culprit.returnedAt);
  const idle = kept.filter(each => isEffectless(model, each) && each !== culprit);
  // As many at a time as possible, since each trial is a whole check.
  for (let size = idle.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < idle.length; from += size) {
      const left = new Set(idle.slice(from, from + size));
      const fewer = kept.filter(operation => !left.has(operation));
      const verdict = checkLinearizable(model, fewer);
      if (verdict.outcome !== 'violated' || fewer[verdict.culprit] !== culprit) continue;
      kept = fewer;
      idle.splice(from, size);
      from -= size;
    }
  }
  return kept.sort((a, b) => a.calledAt - b.calledAt);
}

const isEffectless = <S, I, O>(model: SequentialModel<S, I, O>, { input, output }: Operation<I, O>): boolean =>
  output !== undefined && model.isEffectless(input, output);

function describe(
  { client, input, output, calledAt, returnedAt }: Operation<unknown, unknown>,
  marked = false,
): string {
  const time = `${calledAt.toFixed(1)}–${output === undefined ? '?' : returnedAt.toFixed(1)}`;
  return `${marked ? '>' : ' '} ${time} ${client}: ${brief(input)} → ${output === undefined ? 'unknown' : brief(output)}`;
}

const brief = (value: unknown): string => JSON.stringify(value).replaceAll('"', '');
