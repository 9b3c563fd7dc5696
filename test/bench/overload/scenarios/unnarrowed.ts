import { askQuestions } from '../../harness/ask-questions.js';
import { type Question } from '../../load/questions.js';
import { type OverloadBench } from '../overload-bench.js';
import { runWindow } from '../run-cell.js';
import { targetOf } from '../verdict.js';
import { type Seen } from './scenario.js';

const SEARCH = '/api/v1/discovery/instances';

/** How long (s) each search is repeated by one caller. */
const SECONDS_EACH = 3;

/** Searches that no index narrows, and how long (ms) half of them may take at most, at 100,000 instances. */
const SEARCHES = [
  { name: 'host', limitMs: 100, queries: [{ host: '10.0.1.7' }, { host: '10.0.2.9' }, { host: '10.1.3.3' }] },
  {
    name: 'empty array',
    limitMs: 100,
    queries: [{ filter: 'metadata.owner is not empty' }, { filter: 'capabilities is empty' }],
  },
  {
    name: 'matches',
    limitMs: 400,
    queries: [
      { filter: 'instanceId matches "^none-.*x$"' },
      { filter: 'service matches "^fraud-.*z$"' },
      { filter: 'host matches "[.]7[.]7$" and zone matches "^mars"' },
    ],
  },
] as const;

const QUESTIONS: readonly Question[] = SEARCHES.map(({ name, queries }) => ({
  name,
  paths: queries.map(query => `${SEARCH}?${String(new URLSearchParams({ namespace: '*', ...query }))}`),
}));

/** Searches that nothing narrows, one after the other: their own time, and heartbeats beside them. */
export async function unnarrowed(bench: OverloadBench): Promise<Seen> {
  return await bench.withNode({}, async running => {
    let figures: Record<string, number> = {};
    const named = { name: 'unnarrowed', callers: 1, kindsAtOnce: 1 };
    const cell = await runWindow(running, named, async begun => {
      await begun();
      figures = await askQuestions(running.node.url, QUESTIONS, SECONDS_EACH);
      return [];
    });
    const verdicts = SEARCHES.map(({ name, limitMs }) => {
      const p50 = figures[`${name} p50 ms`] ?? Number.NaN;
      return targetOf(`median of searches by ${name} ≤ ${limitMs} ms`, p50 <= limitMs, `${Math.round(p50)} ms`);
    });
    const { kept, new: onNew } = cell.probes.lanes;
    return {
      figures: { ...figures, 'heartbeat p99 ms, kept': kept.p99, 'heartbeat p99 ms, new': onNew.p99 },
      verdicts: [...verdicts, ...cell.verdicts],
    };
  });
}
