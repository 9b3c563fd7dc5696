// Asks questions one after the other, each for a while, by one caller: what they cost, not how many a node can answer.
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { Api } from '../../support/http/api.js';
import { percentile } from '../harness/statistics.js';

export interface Question {
  readonly name: string;
  /** Asked in turn, so that no answer is the one of just before. */
  readonly paths: readonly string[];
}

export interface QuestionsJob {
  readonly url: string;
  readonly questions: readonly Question[];
  readonly secondsEach: number;
}

export interface Answers {
  readonly name: string;
  /** Latency (ms). */
  readonly p50: number;
  readonly p99: number;
  readonly samples: number;
  /** Statuses other than 200, and how often they came. */
  readonly refused: Readonly<Record<string, number>>;
}

/** A slow question is asked so many times at least; the first answer warms caches, and does not count. */
const LEAST_SAMPLES = 5;

async function ask(api: Api, { name, paths }: Question, seconds: number): Promise<Answers> {
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  await api.get(paths[0]!);
  const until = performance.now() + seconds * 1_000;
  for (let n = 1; performance.now() < until || latencies.length < LEAST_SAMPLES; n++) {
    const begun = performance.now();
    const { status } = await api.get(paths[n % paths.length]!);
    latencies.push(performance.now() - begun);
    if (status !== 200) refused[status] = (refused[status] ?? 0) + 1;
  }
  return {
    name,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    samples: latencies.length,
    refused,
  };
}

const job = JSON.parse(await text(process.stdin)) as QuestionsJob;
const api = new Api(job.url);
const answers: Answers[] = [];
for (const question of job.questions) answers.push(await ask(api, question, job.secondsEach));
process.stdout.write(JSON.stringify(answers), () => process.exit());
