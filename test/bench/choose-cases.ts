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

const isMeant = (name: string, { name: own, growth }: BenchCase): boolean => own === name || growth?.family === name;
