import { type Growth } from '../bench-case.js';
import { familyOf, figureNames } from '../growth-table.js';
import { type CaseResult } from '../run-case.js';
import { type Plot } from './plot.js';

interface GrowthPlot {
  readonly file: string;
  readonly family: Growth['family'];
  readonly title: string;
  readonly unit: string;
  /** Which figures are lines. */
  readonly figures: RegExp;
}

const PLOTS: readonly GrowthPlot[] = [
  { file: 'scale-start', family: 'scale', title: 'Starting a node', unit: 'ms', figures: /^(start until|view load)/ },
  { file: 'scale-memory', family: 'scale', title: 'Memory of a node', unit: 'MiB', figures: /^RSS/ },
  {
    file: 'scale-discover',
    family: 'scale',
    title: 'Discovery of one service',
    unit: '',
    figures: /^discover(?!.*CPU)/,
  },
  { file: 'scale-search', family: 'scale', title: 'Searches, median', unit: 'ms', figures: /^search .* p50/ },
  { file: 'scale-heartbeat', family: 'scale', title: 'CPU per heartbeat', unit: 'µs', figures: /^heartbeat.*CPU/ },
  { file: 'scale-sweep', family: 'scale', title: 'Looking for leases that are over', unit: 'ms', figures: /^sweep,/ },
  { file: 'scale-idle', family: 'scale', title: 'CPU while nobody asks', unit: '% of a core', figures: /^idle/ },
  {
    file: 'log-queries',
    family: 'log',
    title: 'Questions to the log, median',
    unit: 'ms',
    figures: /^(?!start).* p50 ms$/,
  },
  { file: 'log-whole', family: 'log', title: 'Verifying all of it', unit: 's', figures: /^verification s$/ },
  { file: 'log-migrations', family: 'log', title: 'Migrations of a filled log', unit: 'ms', figures: /^migration/ },
];

/** Plots of how figures grow, by the name of their file; of a family with fewer than two sizes there is none. */
export function growthPlots(results: readonly CaseResult[]): ReadonlyMap<string, Plot> {
  const plots = new Map<string, Plot>();
  for (const { file, family, title, unit, figures } of PLOTS) {
    const members = familyOf(results, family);
    if (members.length < 2) continue;
    const lines = figureNames(members)
      .filter(name => figures.test(name))
      .map(name => ({
        name,
        points: members.flatMap(({ growth, measured }) => {
          const value = measured.figures?.[name];
          return value !== undefined && value > 0 ? [[growth.size, value] as const] : [];
        }),
      }));
    const x = { name: members[0]!.growth.of, logarithmic: true };
    plots.set(file, { title, x, y: { name: unit, logarithmic: true }, lines });
  }
  return plots;
}
