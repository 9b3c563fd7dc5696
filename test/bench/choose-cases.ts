import { type BenchCase } from './bench-case.js';

/** Which cases are run, and what was asked for that is none. */
export interface Choice {
  readonly chosen: readonly BenchCase[];
  readonly unknown: readonly string[];
}

/**
 * The cases of some names, in the order in which they are listed. The name of a family means all of it.
 * @param usual what is run when nothing is named
 */
export function chooseCases(
  names: readonly string[],
  usual: readonly BenchCase[],
  growing: readonly BenchCase[],
): Choice {
  if (names.length === 0) return { chosen: usual, unknown: [] };
  const all = [...usual, ...growing];
  return {
    chosen: all.filter(benchCase => names.some(name => isMeant(name, benchCase))),
    unknown: names.filter(name => !all.some(benchCase => isMeant(name, benchCase))),
  };
}

/** What is compared of two commits when nothing is named: what a service does most. */
const USUALLY_COMPARED: readonly string[] = ['register', 'heartbeat', 'discover'];

/** The cases that two commits are compared by. */
export interface ComparableChoice extends Choice {
  /** Names of cases that were chosen and can be run with the code of this tree only. */
  readonly notComparable: readonly string[];
}

/** As {@link chooseCases}. Cases of growth fill their database by code of the service, which is this tree's for both commits. */
export function chooseComparable(
  names: readonly string[],
  usual: readonly BenchCase[],
  growing: readonly BenchCase[],
): ComparableChoice {
  const choice = chooseCases(names.length > 0 ? names : USUALLY_COMPARED, usual, growing);
  return { ...choice, notComparable: choice.chosen.filter(({ growth }) => growth).map(({ name }) => name) };
}

const isMeant = (name: string, { name: own, growth }: BenchCase): boolean => own === name || growth?.family === name;
