import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Databases } from '@coordination/database';
import { Scheduler } from '@coordination/scheduling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogHeadRepository, EventSearchRepository, LOG_ENTITIES, type LogEvent } from '@coordination/log';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { EventExporter } from './event-export.service.js';

const EVENTS = 200_000;
const BATCH = 4_000;

/** The most memory (bytes) that an export may use; all events together take more than ten times as much. */
const MEMORY_BOUND = 24 * 1024 * 1024;

const SCRIPT = fileURLToPath(new URL('../../../../docs/verify-audit-export.mjs', import.meta.url));

let database: TestDatabase;
let databases: Databases;
let last: LogEvent;
let exporter: EventExporter;

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 3, entities: LOG_ENTITIES });
  exporter = new EventExporter(databases, new EventSearchRepository(), new CatalogHeadRepository());
  for (let written = 0; written < EVENTS; written += BATCH) {
    const batch = await appendBatch(
      databases,
      Array.from({ length: BATCH }, (_, index) => aDraft({ instanceId: `orders-${written + index}` })),
    );
    last = batch.at(-1)!;
  }
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Used memory in bytes, after a garbage collection. */
function usedMemory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Used memory when nothing more is released: buffers are, only in the turn of the loop that follows a collection. */
async function settledMemory(): Promise<number> {
  let used = usedMemory();
  for (;;) {
    await turn();
    const now = usedMemory();
    if (now >= used) return used;
    used = now;
  }
}

/** Runs the script that docs/audit.md describes. */
async function verifyOffline(export_: Readable, ...words: string[]): Promise<{ code: number; says: string }> {
  const script = spawn(process.execPath, [SCRIPT, '-', ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  const says = script.stdout.setEncoding('utf8').toArray();
  const ended = once(script, 'exit');
  // The script stops reading when it has found a break.
  await pipeline(export_, script.stdin).catch(() => undefined);
  const [code] = (await ended) as [number];
  return { code, says: (await says).join('') };
}

const first = async (lines: number) => {
  const found: string[] = [];
  const { stream } = await exporter.begin(
    { beforeRevision: lines + 1 },
    'asc',
    'ndjson',
    new Scheduler().begin({ workClass: 'long' }),
  );
  for await (const chunk of stream) found.push(...(chunk as string).split('\n').slice(0, -1));
  return found;
};

const asFile = (lines: readonly string[]) => Readable.from([lines.map(line => `${line}\n`).join('')]);

describe('An export of 200,000 events', () => {
  it('is complete, in order and verifiable offline, and uses little memory', async () => {
    const before = await settledMemory();
    const { head, stream } = await exporter.begin({}, 'asc', 'ndjson', new Scheduler().begin({ workClass: 'long' }));
    expect(head.revision).toBe(EVENTS);
    let lines = 0;
    let chunks = 0;
    const used: number[] = [];
    const watch = new Transform({
      objectMode: true,
      transform(chunk: string, _encoding, done) {
        for (let at = chunk.indexOf('\n'); at !== -1; at = chunk.indexOf('\n', at + 1)) lines += 1;
        if (++chunks % 400 === 0) used.push(usedMemory());
        done(null, chunk);
      },
    });
    const verdict = await verifyOffline(stream.pipe(watch), '--anchor', `${EVENTS}:${last.hash}`);
    expect(verdict).toEqual({
      code: 0,
      says: `OK: ${EVENTS} events, revisions 1 to ${EVENTS}, last hash ${last.hash}\n`,
    });
    expect(lines).toBe(EVENTS);
    expect(used, 'measured while the export ran').not.toEqual([]);
    expect(Math.max(...used) - before).toBeLessThan(MEMORY_BOUND);
  });

  it('stops reading from the database when its consumer stops', async () => {
    const { stream } = await exporter.begin({}, 'desc', 'csv', new Scheduler().begin({ workClass: 'long' }));
    let newest: string | undefined;
    for await (const chunk of stream) {
      newest ??= (chunk as string).startsWith('revision') ? undefined : (chunk as string).split(',')[0];
      if (newest !== undefined) break;
    }
    expect(newest).toBe(String(EVENTS));
    expect(stream.destroyed).toBe(true);
    await waitFor('its connection is free', () => {
      const reads = databases.use().find(({ purpose }) => purpose === 'reads')!;
      return reads.open === reads.idle;
    });
  });
});

describe('The offline script', () => {
  const COUNT = 50;

  const tampered: [string, (lines: string[]) => string[], string][] = [
    ['a changed field', lines => lines.with(20, lines[20]!.replace('anonymous', 'somebody')), 'BROKEN at revision 21'],
    ['a removed line', lines => lines.toSpliced(20, 1), 'BROKEN at revision 22'],
    ['a repeated line', lines => lines.toSpliced(20, 0, lines[20]!), 'BROKEN at revision 21 (line 22)'],
    ['swapped lines', lines => lines.with(20, lines[21]!).with(21, lines[20]!), 'BROKEN at revision 22'],
    ['a cut file', lines => lines.with(COUNT - 1, lines[COUNT - 1]!.slice(0, 40)), `BROKEN at line ${COUNT}`],
    ['newest first', lines => lines.toReversed(), 'BROKEN at revision 49'],
  ];

  it.each(tampered)('detects %s', async (_what, tamper, says) => {
    const verdict = await verifyOffline(asFile(tamper(await first(COUNT))));
    expect(verdict.code).toBe(1);
    expect(verdict.says).toContain(says);
  });

  it('detects by an anchor that the end was cut off or the chain rewritten', async () => {
    const lines = await first(COUNT);
    const { hash } = JSON.parse(lines[39]!) as LogEvent;
    expect(await verifyOffline(asFile(lines), '--anchor', `40:${hash}`)).toMatchObject({ code: 0 });
    expect(await verifyOffline(asFile(lines.slice(0, 30)))).toMatchObject({ code: 0 });
    expect(await verifyOffline(asFile(lines.slice(0, 30)), '--anchor', `40:${hash}`)).toMatchObject({ code: 1 });
    expect(await verifyOffline(asFile(lines), '--anchor', `41:${hash}`)).toMatchObject({ code: 1 });
  });

  it('reports an export that does not begin with the first event', async () => {
    const lines = (await first(COUNT)).slice(10);
    const verdict = await verifyOffline(asFile(lines));
    expect(verdict.code).toBe(0);
    expect(verdict.says).toContain('begins after revision 1');
  });

  it('verifies a selection event by event', async () => {
    const lines = (await first(COUNT)).filter((_, index) => index % 7 === 0);
    expect(await verifyOffline(asFile(lines))).toMatchObject({ code: 1 });
    expect(await verifyOffline(asFile(lines), '--filtered')).toMatchObject({ code: 0 });
    const changed = lines.with(3, lines[3]!.replace('orders-', 'others-'));
    expect(await verifyOffline(asFile(changed), '--filtered')).toMatchObject({ code: 1 });
  });

  it('accepts the gap of a new epoch, and no other gap', async () => {
    const log = new LogInMemory();
    log.put(anInstance());
    log.beginEpoch();
    log.put(anInstance());
    log.beginEpoch();
    const lines = log.events.map(event => JSON.stringify(event));
    expect(await verifyOffline(asFile(lines))).toMatchObject({ code: 0 });
    for (const missing of [0, 1, 2]) {
      const { code } = await verifyOffline(asFile(lines.toSpliced(missing, 1)));
      expect(code, `line ${missing} is missing`).toBe(missing === 0 ? 0 : 1);
    }
  });

  it('accepts an empty export', async () => {
    expect(await verifyOffline(asFile([]))).toEqual({ code: 0, says: 'OK: no events.\n' });
  });

  it('refuses invalid arguments', async () => {
    expect(await verifyOffline(asFile([]), '--anchor', 'nonsense')).toMatchObject({ code: 2 });
  });
});
