import { type Operation, type SequentialModel } from './operation.js';

/** Steps of the model that a check may take before it gives up: about a second. */
const MAX_STEPS = 2_000_000;

/** What a check came to. */
export type Verdict<S> =
  | { readonly outcome: 'linearizable' }
  | {
      readonly outcome: 'violated';
      /** Index of the operation that cannot have been answered as it was. */
      readonly culprit: number;
      /** What the object may have been when the culprit was answered, as far as everything before tells. */
      readonly possible: readonly S[];
    }
  /** Too many operations at once, or of unknown outcome. */
  | { readonly outcome: 'undecided'; readonly culprit: number };

/** One way in which everything so far can have happened. */
interface Configuration<S> {
  readonly state: S;
  /** Operations that have taken effect, though they are not answered yet. */
  readonly done: ReadonlySet<number>;
}

/**
 * Whether a history of one object is linearizable: whether each operation can have taken effect at one moment between
 * its call and its return, so that all answers are those of the sequential model (Herlihy and Wing). The algorithm is
 * Lowe's just-in-time linearization ("Testing for linearizability", 2017): it goes through calls and returns in the
 * order of time, keeps every configuration that is possible, and lets operations take effect only when one returns. Three
 * things keep the configurations few: what changes nothing takes effect as soon as it fits; of unknown outcomes with the
 * same input only the oldest is tried; and a configuration that differs from another only in more unknown outcomes that
 * have taken effect is dropped, because the other can do all that it can.
 */
export function checkLinearizable<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  maxSteps = MAX_STEPS,
): Verdict<S> {
  const search = new Search(model, history, maxSteps);
  let configurations: readonly Configuration<S>[] = [{ state: model.initial, done: new Set() }];
  for (const { index, isCall } of moments(history)) {
    if (isCall) {
      search.pending.add(index);
      configurations = configurations.map(configuration => search.settled(configuration));
      continue;
    }
    const after = configurations.flatMap(configuration => search.waysTo(index, configuration));
    if (search.isExhausted) return { outcome: 'undecided', culprit: index };
    if (after.length === 0) {
      return { outcome: 'violated', culprit: index, possible: distinctStates(model, configurations) };
    }
    search.pending.delete(index);
    configurations = search.undominated(after.map(({ state, done }) => ({ state, done: without(done, index) })));
  }
  return { outcome: 'linearizable' };
}

class Search<S, I, O> {
  /** Operations that were called and have not returned. */
  readonly pending = new Set<number>();
  private steps = 0;

  constructor(
    private readonly model: SequentialModel<S, I, O>,
    private readonly history: readonly Operation<I, O>[],
    private readonly maxSteps: number,
  ) {}

  get isExhausted(): boolean {
    return this.steps > this.maxSteps;
  }

  /** The configuration after whatever changes nothing and fits its state. */
  settled(configuration: Configuration<S>): Configuration<S> {
    const { state } = configuration;
    const fitting = [...this.pending].filter(index => {
      const { input, output } = this.history[index]!;
      if (configuration.done.has(index) || output === undefined || !this.model.isEffectless(input, output))
        return false;
      const after = this.step(state, input, output);
      return after !== undefined && this.model.keyOf(after) === this.model.keyOf(state);
    });
    return fitting.length === 0 ? configuration : { state, done: new Set([...configuration.done, ...fitting]) };
  }

  /** All configurations in which an operation has just taken effect, or had before. */
  waysTo(wanted: number, from: Configuration<S>): Configuration<S>[] {
    const found: Configuration<S>[] = [];
    const seen = new Set<string>();
    const open = [from];
    for (let configuration = open.pop(); configuration && !this.isExhausted; configuration = open.pop()) {
      if (configuration.done.has(wanted)) found.push(configuration);
      else open.push(...this.next(configuration).filter(next => isNew(seen, this.keyOf(next))));
    }
    return found;
  }

  /** Drops what another configuration can do as well. */
  undominated(configurations: readonly Configuration<S>[]): Configuration<S>[] {
    const groups = new Map<string, Configuration<S>[]>();
    for (const configuration of configurations) {
      const due = [...configuration.done].filter(index => this.history[index]!.output !== undefined);
      const key = this.keyOf({ state: configuration.state, done: new Set(due) });
      const group = groups.get(key) ?? [];
      if (group.some(({ done }) => isSubset(done, configuration.done))) continue;
      groups.set(key, [...group.filter(({ done }) => !isSubset(configuration.done, done)), configuration]);
    }
    return [...groups.values()].flat();
  }

  private next({ state, done }: Configuration<S>): Configuration<S>[] {
    const unknownTried = new Set<string>();
    return [...this.pending].flatMap(index => {
      const { input, output } = this.history[index]!;
      if (done.has(index)) return [];
      if (output === undefined && !isNew(unknownTried, JSON.stringify(input))) return [];
      const after = this.step(state, input, output);
      if (after === undefined) return [];
      if (output === undefined && this.model.keyOf(after) === this.model.keyOf(state)) return [];
      return [this.settled({ state: after, done: new Set([...done, index]) })];
    });
  }

  private step(state: S, input: I, output: O | undefined): S | undefined {
    this.steps += 1;
    return this.model.step(state, input, output);
  }

  private keyOf({ state, done }: Configuration<S>): string {
    return `${[...done].sort((a, b) => a - b).join()} ${this.model.keyOf(state)}`;
  }
}

interface Moment {
  readonly index: number;
  readonly isCall: boolean;
  readonly at: number;
}

/** Calls and returns in the order of time. What happens at the same time overlaps. */
function moments(history: readonly Operation<unknown, unknown>[]): Moment[] {
  return history
    .flatMap(({ output, calledAt, returnedAt }, index) => [
      { index, isCall: true, at: calledAt },
      ...(output === undefined ? [] : [{ index, isCall: false, at: returnedAt }]),
    ])
    .sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall) || a.index - b.index);
}

function without(done: ReadonlySet<number>, index: number): ReadonlySet<number> {
  const rest = new Set(done);
  rest.delete(index);
  return rest;
}

const isSubset = (some: ReadonlySet<number>, all: ReadonlySet<number>): boolean =>
  some.size <= all.size && [...some].every(each => all.has(each));

function isNew(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function distinctStates<S, I, O>(
  model: SequentialModel<S, I, O>,
  configurations: readonly Configuration<S>[],
): readonly S[] {
  return [...new Map(configurations.map(({ state }) => [model.keyOf(state), state])).values()];
}
