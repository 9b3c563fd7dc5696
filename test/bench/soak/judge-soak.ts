import { lineThrough } from './line.js';
import { type NodeSample, type SoakFindings, type SoakSample, type Verdict } from './soak-report.js';

/** What comes before is warming up: caches fill, and code is compiled. */
const WARM_UP_SHARE = 1 / 3;

/** Growth of memory (MiB/h) that is not more than what the log and the moods of a collector explain. */
const MEMORY_LIMIT = 20;

/** Growth of a queue (entries, KiB or ms per minute) that cannot be told from none. */
const QUEUE_LIMIT = 1;

/** A table that is changed in place may become so much larger (× and MiB) between warm-up and end. */
const BLOAT_FACTOR = 1.3;
const BLOAT_MIB = 2;

/** A line counts as rising when it does so beyond twice its error. */
const CERTAIN = 2;

const SECONDS_PER_HOUR = 3_600;
const SECONDS_PER_MINUTE = 60;

const QUEUES = ['writeQueue', 'renewalsWaiting', 'watchBacklogKiB', 'eventLoopP99Ms', 'lag', 'connections'] as const;

/** Tables that are changed in place, and so must not grow as long as the catalog does not. */
const IN_PLACE = ['instance_lease', 'catalog_head', 'node_role', 'service_instance'];

/** Whether a service that was under load for a while could be so for ever. */
export function judgeSoak(samples: readonly SoakSample[], findings: SoakFindings): Verdict[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  return [...memoryOf(warm), ...queuesOf(warm), ...tablesOf(warm), ...correctnessOf(findings)];
}

const nodesOf = (samples: readonly SoakSample[]): number[] => (samples[0]?.nodes ?? []).map((_, node) => node);

const risesOf = (samples: readonly SoakSample[], node: number, figure: keyof NodeSample, perSeconds: number) => {
  const { slope, error } = lineThrough(samples.map(({ second, nodes }) => [second, nodes[node]![figure]]));
  return { slope: slope * perSeconds, error: error * perSeconds };
};

function memoryOf(samples: readonly SoakSample[]): Verdict[] {
  return nodesOf(samples).map(node => {
    const { slope, error } = risesOf(samples, node, 'rssMiB', SECONDS_PER_HOUR);
    return {
      what: `memory of node ${node + 1} stays`,
      met: slope - CERTAIN * error <= MEMORY_LIMIT,
      seen: `${slope.toFixed(1)} ± ${(CERTAIN * error).toFixed(1)} MiB/h`,
    };
  });
}

function queuesOf(samples: readonly SoakSample[]): Verdict[] {
  return QUEUES.map(figure => {
    const rises = nodesOf(samples).map(node => risesOf(samples, node, figure, SECONDS_PER_MINUTE));
    const worst = rises.reduce((a, b) => (b.slope - CERTAIN * b.error > a.slope - CERTAIN * a.error ? b : a));
    return {
      what: `${figure} does not grow`,
      met: worst.slope - CERTAIN * worst.error <= QUEUE_LIMIT,
      seen: `${worst.slope.toFixed(2)} ± ${(CERTAIN * worst.error).toFixed(2)} per minute`,
    };
  });
}

function tablesOf(samples: readonly SoakSample[]): Verdict[] {
  return IN_PLACE.flatMap(table => {
    const [first, last] = [samples[0]?.tables[table], samples.at(-1)?.tables[table]];
    if (!first || !last) return [];
    return {
      what: `${table} does not bloat`,
      met: last.MiB <= first.MiB * BLOAT_FACTOR + BLOAT_MIB,
      seen: `${first.MiB.toFixed(1)} → ${last.MiB.toFixed(1)} MiB, ${last.deadRows} dead rows`,
    };
  });
}

function correctnessOf({ chainValid, wrongWatchers, ended, errors }: SoakFindings): Verdict[] {
  const kinds = Object.entries(errors);
  return [
    { what: 'no error', met: kinds.length === 0, seen: kinds.map(([what, n]) => `${what}: ${n}`).join(', ') || 'none' },
    {
      what: 'every watcher was told everything, once, in order',
      met: wrongWatchers === 0,
      seen: `${wrongWatchers} wrong`,
    },
    { what: 'no lease ended that was renewed', met: ended === 0, seen: `${ended} ended` },
    { what: 'the chain verifies', met: chainValid, seen: chainValid ? 'valid' : 'broken' },
  ];
}
