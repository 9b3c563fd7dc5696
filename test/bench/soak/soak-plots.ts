import { type Plot, type PlotLine } from '../publish/plot.js';
import { type NodeSample, type SoakReport, type SoakSample } from './soak-report.js';

const SECONDS_PER_MINUTE = 60;

/** Plots of a run, by the name of their file. */
export function soakPlots({ samples }: SoakReport): ReadonlyMap<string, Plot> {
  const x = { name: 'minutes' };
  const nodes = (samples[0]?.nodes ?? []).map((_, node) => node);
  const over = (name: string, read: (sample: SoakSample) => number): PlotLine => ({
    name,
    points: samples.map(sample => [sample.second / SECONDS_PER_MINUTE, read(sample)]),
  });
  const ofNodes = (figures: Readonly<Partial<Record<keyof NodeSample, string>>>): PlotLine[] =>
    Object.entries(figures).flatMap(([figure, name]) =>
      nodes.map(node => over(`${name}, node ${node + 1}`, sample => sample.nodes[node]![figure as keyof NodeSample])),
    );
  const tables = Object.keys(samples[0]?.tables ?? {});
  return new Map<string, Plot>([
    ['soak-memory', plot('Memory of the nodes', 'MiB', ofNodes({ rssMiB: 'RSS', heapMiB: 'heap' }))],
    [
      'soak-queues',
      plot(
        'What waits',
        '',
        ofNodes({
          writeQueue: 'commands',
          renewalsWaiting: 'renewals',
          lag: 'revisions behind',
          eventLoopP99Ms: 'event loop p99 (ms)',
        }),
      ),
    ],
    [
      'soak-tables',
      plot(
        'Size of the tables',
        'MiB',
        tables.map(table => over(table, sample => sample.tables[table]?.MiB ?? Number.NaN)),
      ),
    ],
    [
      'soak-dead-rows',
      plot(
        'Dead rows',
        'rows',
        tables.map(table => over(table, sample => sample.tables[table]?.deadRows ?? Number.NaN)),
      ),
    ],
  ]);

  function plot(title: string, unit: string, lines: readonly PlotLine[]): Plot {
    return { title, x, y: { name: unit }, lines };
  }
}
