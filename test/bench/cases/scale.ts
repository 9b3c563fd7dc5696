import { type BenchCase, type Target } from '../bench-case.js';
import { measureScale } from '../scale/measure-scale.js';

/** Instances of the cases. */
const SIZES = [1_000, 10_000, 100_000, 300_000] as const;

/** What a catalog of 100,000 instances may cost a node. */
const TARGET_SIZE = 100_000;
const TARGETS: readonly Target[] = [
  { what: 'view loads in 6 s', of: 'figure view load ms', atMost: 6_000 },
  { what: 'RSS 600 MB', of: 'figure RSS of a fresh node MiB', atMost: 600e6 / 2 ** 20 },
];

const scale = (instances: (typeof SIZES)[number]): BenchCase => ({
  name: `scale-${instances / 1_000}k`,
  work: `a catalog of ${instances.toLocaleString('en')} instances: starting, discovery, searches, heartbeats, sweeps, watches`,
  unit: 'discoveries/s',
  growth: { family: 'scale', of: 'instances', size: instances },
  targets: instances === TARGET_SIZE ? TARGETS : [],
  measure: context => measureScale(context, instances),
});

export const SCALE = SIZES.map(scale);
