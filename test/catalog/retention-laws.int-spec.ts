import {
  type LogEvent,
  CatalogHeadRepository,
  EpochLogRepository,
  LogCutRepository,
  type InstanceRef,
  oldestOf,
} from '@coordination/log';
import { type InstanceName } from '@coordination/log/testing';
import { type InstanceVersion } from '@coordination/audit/testing';
import { query } from '@coordination/database';
import { InstanceNeverKnownError, RevisionCompactedError, systemClock } from '@coordination/kernel';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogLoader } from '@coordination/catalog/testing';
import { type LogSegment, resetReasonFor } from '@coordination/discovery/testing';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { compactSome } from '../support/log/compaction.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { expectViewIsTable, startReadingNode } from '../support/nodes/reading-node.js';
import { type LogQuestion, ToldByTheLog } from '../support/laws/log-questions.js';
import { waitFor } from '../support/time/wait-for.js';
import { type WrittenPast, writePast } from '../support/laws/history-fixture.js';

/** More random histories and cuts: RETENTION_RUNS=20. */
const RUNS = Number(process.env['RETENTION_RUNS'] ?? 1);
const QUESTIONS = 40;
const HISTORIES = 10;
const PARTITION_SIZE = 30;
const READERS = 3;

let past: WrittenPast;
let told: ToldByTheLog;
let directory: DisposableDirectory;
let client: Client;

const compact = (partitions: number) =>
  compactSome({ databases: past.author.databases, client, exportDir: directory.path, partitions });

const cutNow = async () => oldestOf(await new LogCutRepository().find(past.author.databases.em('reads')));

const nameOf = ({ kind, revision }: LogQuestion) => `${kind} at ${revision}`;

const outcomeOf = (question: LogQuestion) => question.ask().catch((error: unknown) => error);

/** Whether whoever asked was told that it is no longer retained; a watcher is told to begin anew. */
const isRefusal = ({ kind, revision }: LogQuestion, outcome: unknown): boolean =>
  outcome instanceof RevisionCompactedError ||
  (kind === 'resume' && resetReasonFor(outcome as LogSegment, revision, (outcome as LogSegment).epoch) !== undefined);

const nameIn = ({ namespace, service, instanceId }: LogEvent) => ({ namespace, service, instanceId });

const answersOf = async (questions: readonly LogQuestion[]) => {
  const answers = new Map<LogQuestion, unknown>();
  for (const question of questions) answers.set(question, await question.ask());
  return answers;
};

async function expectSame(question: LogQuestion, answer: unknown, cut: number): Promise<void> {
  const what = `${nameOf(question)}, cut at ${cut}`;
  const now = await outcomeOf(question);
  // A time means the last event that has it, which may be retained where others that have it are not.
  const isRetained = question.revision >= cut || (question.kind === 'time' && (answer as number) >= cut);
  if (isRetained) expect(now, what).toEqual(answer);
  else expect(isRefusal(question, now), what).toBe(true);
}

/** Who was gone before the cut has no history any more, and it is told from where on there would be one. */
async function expectSameHistory(past: InstanceRef, versions: readonly InstanceVersion[], cut: number): Promise<void> {
  const what = `history of ${JSON.stringify(past)}, cut at ${cut}`;
  const retained = versions.filter(({ revision }) => revision > cut);
  const wasThere = versions.findLast(({ revision }) => revision <= cut)?.instance !== null;
  if (retained.length > 0 || wasThere) {
    expect(await told.history(past, cut), what).toEqual(retained);
    return;
  }
  const error = await told.history(past, cut).catch((thrown: unknown) => thrown);
  expect(error instanceof InstanceNeverKnownError || error instanceof RevisionCompactedError, what).toBe(true);
  expect(error, what).toMatchObject({ extras: { oldestRevision: cut } });
}

describe.each(Array.from({ length: RUNS }, (_, n) => 20261130 + n))('What is retained of the log (seed %i)', seed => {
  beforeAll(async () => {
    past = await writePast(seed, PARTITION_SIZE);
    told = new ToldByTheLog(past.author.databases, past.events);
    directory = disposableDirectory();
    client = new Client({ connectionString: past.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await past.close();
    await directory.remove();
  });

  it('is told as if nothing had been removed, and what was removed is told to be', async () => {
    const answers = await answersOf(told.questions(QUESTIONS, seed));
    const some = <T>(all: Iterable<T>) => fc.sample(fc.constantFrom(...new Set(all)), { numRuns: HISTORIES, seed });
    const ids = some(past.events.flatMap(({ instanceUuid }) => instanceUuid ?? []));
    const names = some(
      past.events.flatMap(event => (event.instanceUuid === null ? [] : JSON.stringify(nameIn(event)))),
    );
    const pasts = [...ids.map(id => ({ id })), ...names.map(name => ({ name: JSON.parse(name) as InstanceName }))];
    const histories = new Map<InstanceRef, InstanceVersion[]>();
    for (const one of pasts) histories.set(one, await told.history(one, 0));
    for (const partitions of fc.sample(fc.integer({ min: 1, max: 3 }), { numRuns: 2, seed })) {
      await compact(partitions);
      const cut = await cutNow();
      expect(cut).toBeGreaterThan(0);
      for (const [question, answer] of answers) await expectSame(question, answer, cut);
      for (const [one, versions] of histories) await expectSameHistory(one, versions, cut);
      await assertCatalogInvariants(past.url);
    }
  });

  it('is told whole or not at all while more is being removed', async () => {
    const before = await cutNow();
    const asked = told.questions(2 * QUESTIONS, seed + 1).filter(({ revision }) => revision >= before);
    const answers = await answersOf(asked);
    const over = new AbortController();
    let whole = 0;
    const readers = Array.from({ length: READERS }, async (_, n) => {
      for (let turn = n; !over.signal.aborted; turn += READERS) {
        const question = asked[turn % asked.length]!;
        const outcome = await outcomeOf(question);
        if (isRefusal(question, outcome)) continue;
        expect(outcome, nameOf(question)).toEqual(answers.get(question));
        whole += 1;
      }
    });
    await Promise.all([...readers, compact(3).finally(() => over.abort())]);
    const cut = await cutNow();
    expect(cut).toBeGreaterThan(before);
    expect(whole, 'questions that were answered meanwhile').toBeGreaterThan(0);
    for (const [question, answer] of answers) await expectSame(question, answer, cut);
  });

  it('is enough for a node that starts: it has the catalog of one that has followed the whole log', async () => {
    await assertCatalogInvariants(past.url);
    await expectNodesBeginAsEver();
  });
});

/** A node that starts now has the same catalog as one that has followed the whole log. */
async function expectNodesBeginAsEver(): Promise<void> {
  const { databases } = past.author;
  const node = await startReadingNode({ url: past.url, pollMs: 50 });
  try {
    await waitFor('the view is loaded', () => node.view.loaded);
    await expectViewIsTable(node.view, databases);
    const { gaps } = await new CatalogLoader(
      databases,
      new CatalogHeadRepository(),
      new EpochLogRepository(),
      systemClock,
    ).load();
    expect(gaps).toHaveLength(1);
    const { revision } = node.view.position!;
    const whole = past.viewAt(revision);
    for (const { namespace, service } of past.events) {
      if (namespace === null || service === null) continue;
      expect(node.view.serviceRevision(namespace, service)).toBe(whole.serviceRevision(namespace, service));
      expect(node.view.instancesOf(namespace, service)).toEqual(whole.instancesOf(namespace, service));
    }
    const [row] = await query<{ rows: number }>(
      databases.em('reads'),
      'select count(*)::int as rows from catalog_baseline',
    );
    expect(row!.rows, 'the baseline has no more than there were places').toBeLessThan(past.events.length / 2);
  } finally {
    await node.stop();
  }
}
