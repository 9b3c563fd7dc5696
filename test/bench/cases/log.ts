import { type BenchCase } from '../bench-case.js';
import { measureLog } from '../scale/measure-log.js';

/** Events of the cases. */
const SIZES = [
  { name: '100k', events: 100_000 },
  { name: '1m', events: 1_000_000 },
  { name: '5m', events: 5_000_000 },
] as const;

const log = ({ name, events }: (typeof SIZES)[number]): BenchCase => ({
  name: `log-${name}`,
  work: `a log of ${events.toLocaleString('en')} events: lists by each filter, histories, the past, diffs, verification, migrations`,
  unit: 'events verified/s',
  growth: { family: 'log', of: 'events', size: events },
  targets: [],
  measure: context => measureLog(context, events),
});

export const LOG = SIZES.map(log);
