import { type Growth } from './bench-case.js';
import { type CaseResult } from './run-case.js';

/** A case that belongs to a family. */
export type GrowingResult = CaseResult & { readonly growth: Growth };

/** Figures by size: a column for each size, a row for each figure. */
export interface GrowthTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The results of a family, by their size. */
export function familyOf(results: readonly CaseResult[], family: Growth['family']): GrowingResult[] {
  return results
    .filter((result): result is GrowingResult => result.growth?.family === family)
    .sort((a, b) => a.growth.size - b.growth.size);
}

/** The names of the figures of all results, each once, as they come. */
export const figureNames = (results: readonly CaseResult[]): string[] => [
  ...new Set(results.flatMap(({ measured }) => Object.keys(measured.figures ?? {}))),
];

export function growthTable(results: readonly GrowingResult[]): GrowthTable {
  const [first] = results;
  return {
    head: [first?.growth.of ?? '', ...results.map(({ growth }) => growth.size.toLocaleString('en'))],
    rows: figureNames(results).map(name => [
      name,
      ...results.map(({ measured }) => figureText(measured.figures?.[name])),
    ]),
  };
}

/** Three digits that count, and no more. */
export function figureText(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : 2);
}
