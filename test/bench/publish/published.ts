import { type OverloadReport } from '../overload/report.js';
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
  /** Absent in results that were published before there was one. */
  readonly overload?: OverloadReport | null;
}

export const NOTHING_PUBLISHED: Published = { cases: [], soak: null };

/** What is published, with the results of a run in the places of earlier ones of the same cases. */
export function withReport(published: Published, report: Report): Published {
  const { at, machine, database, seconds, repetitions } = report;
  const fresh = report.cases.map(result => ({ ...result, at, machine, database, seconds, repetitions }));
  const kept = published.cases.map(result => named(fresh, result.name) ?? result);
  return { ...published, cases: [...kept, ...fresh.filter(({ name }) => !named(published.cases, name))] };
}

const named = (results: readonly PublishedCase[], name: string) => results.find(result => result.name === name);
