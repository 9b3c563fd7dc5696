import { type BenchCase } from '../bench-case.js';
import { runScript } from '../harness/run-script.js';
import { withNodes } from '../harness/with-nodes.js';
import { type WatchJob, type WatchResult } from '../load/watchers.js';

const WATCHERS = 1_000;
const CHANGES_PER_SECOND = 20;

export const WATCH: BenchCase = {
  name: 'watch',
  work: `${WATCHERS} watchers of one service that changes ${CHANGES_PER_SECOND} times a second`,
  unit: 'events/s',
  targets: [
    { what: 'p99 150 ms', of: 'p99', atMost: 150 },
    { what: 'every revision to every watcher', of: 'figure wrong', atMost: 0 },
  ],
  measure: context =>
    withNodes(context, {}, ({ node, busy }) =>
      busy(async () => {
        const job: WatchJob = {
          url: node.url,
          watchers: WATCHERS,
          service: 'watched',
          changesPerSecond: CHANGES_PER_SECOND,
          seconds: context.seconds,
        };
        const { wrong, ...measured } = JSON.parse(await runScript('test/bench/load/watchers.ts', job)) as WatchResult;
        return { ...measured, figures: { wrong } };
      }),
    ),
};
