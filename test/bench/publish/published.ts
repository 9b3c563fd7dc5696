import { type Report } from '../report.js';
import { type CaseResult } from '../run-case.js';
import { type SoakReport } from '../soak/soak-report.js';

/** A result that is shown in the documentation, and where it is from. */
export interface PublishedCase extends CaseResult {
  readonly at: string;
  readonly machine: string;
  readonly database: string;
  readonly seconds: number;
  readonly repetitions: number;
}

/** All that the documentation shows: of each case the last run that was published. */
export interface Published {
  readonly cases: readonly PublishedCase[];
  readonly soak: SoakReport | null;
}

export const NOTHING_PUBLISHED: Published = { cases: [], soak: null };

/** What is published, with the results of a run in the place of earlier ones of the same cases. */
export function withReport(published: Published, report: Report): Published {
  const { at, machine, database, seconds, repetitions } = report;
  const fresh = report.cases.map(result => ({ ...result, at, machine, database, seconds, repetitions }));
  const isFresh = ({ name }: CaseResult) => fresh.some(result => result.name === name);
  return { ...published, cases: [...published.cases.filter(result => !isFresh(result)), ...fresh] };
}
