import { type Api } from '../../support/http/api.js';
import { type BenchContext, type Measured } from '../bench-case.js';
import { BulkWriter } from '../data/bulk-writer.js';
import { realisticHistory } from '../data/realistic-history.js';
import { askQuestions } from '../harness/ask-questions.js';
import { ask } from '../harness/bench-postgres.js';
import { microsEach } from '../harness/micros-each.js';
import { withNodes } from '../harness/with-nodes.js';
import { logQuestions } from './log-questions.js';
import { migrationTimes } from './migration-times.js';

const TTL_SECONDS = 3_600;

/** Events of the whole log for each instance that lives at its end. */
const EVENTS_PER_INSTANCE = 50;

const QUESTION_SECONDS = 1;
const VERIFIED_AT_ONCE = 500_000;
const MIB = 2 ** 20;

/** What a log of a size costs. Verifying it is what counts per second. */
export async function measureLog(context: BenchContext, events: number): Promise<Measured> {
  const plan = { instances: events / EVENTS_PER_INSTANCE, events, ttlSeconds: TTL_SECONDS };
  let filled = { events: 0, seconds: 0 };
  const prepare = async (url: string) => {
    filled = await BulkWriter.write(url, realisticHistory(plan), events);
  };
  return await withNodes(context, { prepare }, async ({ node, databaseUrl, busy }) => {
    const answers = await askQuestions(node.url, await logQuestions(databaseUrl, events), QUESTION_SECONDS);
    const verified = await busy(async () => {
      const begun = performance.now();
      await verifyAll(node.api, events);
      return { perSecond: events / ((performance.now() - begun) / 1_000), operations: events };
    });
    const bytes = await bytesPerEvent(databaseUrl, events);
    const started = { 'start until ready ms': node.startMs };
    await node.stop();
    const figures = {
      'filling s': filled.seconds,
      ...started,
      ...bytes,
      ...answers,
      'verification s': events / verified.perSecond,
      'verification node CPU µs of an event': microsEach(verified, verified.serviceCores) ?? Number.NaN,
      'verification PostgreSQL CPU µs of an event': microsEach(verified, verified.postgresCores) ?? Number.NaN,
      ...Object.fromEntries(
        Object.entries(await migrationTimes(databaseUrl)).map(([name, ms]) => [`migration ${name} ms`, ms]),
      ),
    };
    return { ...verified, figures };
  });
}

/** Range by range, as whoever verifies a long log has to: most clients wait no more than minutes for an answer. */
async function verifyAll(api: Api, events: number): Promise<void> {
  for (let from = 1; from <= events; from += VERIFIED_AT_ONCE) {
    const to = Math.min(from + VERIFIED_AT_ONCE - 1, events);
    const path = `/api/v1/audit/verify?from=${from}&to=${to}`;
    const { valid, checked } = await api.ok<{ valid: boolean; checked: number }>('GET', path);
    if (!valid || checked !== to - from + 1) {
      throw new Error(`Of revisions ${from} to ${to}, ${checked} were verified; valid: ${valid}.`);
    }
  }
}

async function bytesPerEvent(databaseUrl: string, events: number): Promise<Record<string, number>> {
  const [row] = await ask<{ rows: number; indexes: number }>(
    databaseUrl,
    `select sum(pg_table_size(relid))::float8 as rows, sum(pg_indexes_size(relid))::float8 as indexes
     from pg_partition_tree('service_event') where isleaf`,
  );
  const { rows, indexes } = row!;
  return {
    'log MiB': (rows + indexes) / MIB,
    'bytes of an event': rows / events,
    'bytes of its indexes': indexes / events,
  };
}
