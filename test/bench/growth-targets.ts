import { familyOf, type GrowingResult } from './growth-table.js';
import { type CaseResult } from './run-case.js';

/** Whether something grows no faster than it may. */
export interface GrowthVerdict {
  readonly what: string;
  readonly met: boolean;
  readonly seen: string;
}

/** Discovery at this size, and below, may be so many times slower than at the smallest size. */
const DISCOVER = { upTo: 100_000, factor: 1.3 } as const;

/** As fast as the size is an exponent of 1; a little above it is noise. */
const LINEAR = 1.1;

/** What one heartbeat costs may not depend on the size; so much is noise. */
const SAME = 1.5;

/** Compares the sizes of the family `scale`; nothing where there are fewer than two. */
export function growthVerdicts(results: readonly CaseResult[]): GrowthVerdict[] {
  const members = familyOf(results, 'scale');
  const [smallest] = members;
  const largest = members.at(-1);
  const comparable = members.findLast(({ growth }) => growth.size <= DISCOVER.upTo);
  if (!smallest || !largest || !comparable || smallest === largest) return [];
  const slower = figure(smallest, 'discover/s') / figure(comparable, 'discover/s');
  const costlier = (name: string) => figure(largest, name) / figure(smallest, name);
  const exponent = Math.log(costlier('sweep, nothing over ms')) / Math.log(largest.growth.size / smallest.growth.size);
  const heartbeat = costlier('heartbeat node CPU µs');
  return [
    {
      what: `discovery at ${at(comparable)} within ${DISCOVER.factor} × of that at ${at(smallest)}`,
      met: slower <= DISCOVER.factor,
      seen: `${slower.toFixed(2)} ×`,
    },
    {
      what: 'a heartbeat costs a node the same at all sizes, so all of them no more than linearly',
      met: heartbeat <= SAME,
      seen: `${heartbeat.toFixed(2)} × at ${at(largest)}`,
    },
    {
      what: 'sweeps grow no faster than linearly',
      met: exponent <= LINEAR,
      seen: `with the size to the power of ${exponent.toFixed(2)}`,
    },
  ];
}

const figure = ({ measured }: GrowingResult, name: string): number => measured.figures?.[name] ?? Number.NaN;

const at = ({ growth }: GrowingResult): string => growth.size.toLocaleString('en');
