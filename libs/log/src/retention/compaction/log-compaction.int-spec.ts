import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rmdir, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readSnapshot } from '@coordination/database';
import { Scheduler } from '@coordination/scheduling';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CatalogAuthor } from '../../../../../test/support/catalog/catalog-author.js';
import { assertCatalogInvariants } from '../../../../../test/support/catalog/catalog-invariants.js';
import { type DisposableDirectory, disposableDirectory } from '../../../../../test/support/disposable-directory.js';
import { anInstance } from '../../../../../test/support/catalog/factories.js';
import { ServiceProcess } from '../../../../../test/support/nodes/service-process.js';
import { makePartitionsSmall } from '../../../../../test/support/database/small-partitions.js';
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/database/test-database.js';
import { type LogEvent } from '../../events/log-event.js';
import { CatalogHeadRepository } from '../../head/catalog-head.repository.js';
import { ChainVerifier } from '../../verification/chain-verifier.service.js';
import { EventSearchRepository } from '../../events/event-search.repository.js';
import { ServiceEventRepository } from '../../events/service-event.repository.js';
import { compactLog } from '../../compact-log.js';
import { LogCompaction } from './log-compaction.js';
import { PartitionRemoval } from './partition-removal.js';

const SIZE = 10;
const PARTITIONS = 11;
const heads = new CatalogHeadRepository();
const log = new ServiceEventRepository();

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const SCRIPT = join(ROOT, 'docs/verify-audit-export.mjs');
const COMPACT = join(ROOT, 'test/support/log/compact-log.mjs');

/** Filled once; each test gets a copy. */
let written: TestDatabase;
let database: TestDatabase;
let author: CatalogAuthor;
let owner: Client;
let directory: DisposableDirectory;
let events: LogEvent[];

beforeAll(async () => {
  written = await createTestDatabase();
  await makePartitionsSmall(written.url, SIZE, PARTITIONS + 5);
  author = await CatalogAuthor.open(written.url);
  // An instance that never changes, some that change in turn, and one that is registered and removed.
  await author.add(anInstance({ service: 'idle', instanceId: 'idle' }));
  let turn = await author.add(...[0, 1, 2].map(n => anInstance({ service: 'busy', instanceId: `i-${n}` })));
  const [removed] = await author.add(anInstance({ service: 'gone', instanceId: 'gone' }));
  await author.remove(removed!);
  for (let weight = 0; weight < (SIZE * PARTITIONS) / turn.length - 3; weight++) {
    const changed = await author.write(turn.map(before => ({ before, after: { ...before, weight } })));
    turn = changed.map(({ after }) => after as (typeof turn)[number]);
  }
  events = await log.findAfter(author.databases.em('reads'), 0, 10_000);
  await author.close();
});

afterAll(() => written.drop());

beforeEach(async () => {
  database = await createTestDatabase({ like: written });
  author = await CatalogAuthor.open(database.url);
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  directory = disposableDirectory();
});

afterEach(async () => {
  await author.close();
  await owner.end();
  await database.drop();
  await directory.remove();
});

class Killed extends Error {}

interface Run {
  readonly most?: number;
  /** Kills the run after this many steps. */
  readonly killedAfter?: number;
  readonly onStep?: (line: string) => void;
  readonly isDryRun?: boolean;
  readonly retentionDays?: number;
  readonly patienceMs?: number;
}

async function run({ most = 1, killedAfter = Infinity, onStep, ...options }: Run = {}): Promise<string[]> {
  const said: string[] = [];
  const say = (line: string) => {
    said.push(line);
    onStep?.(line);
    if (said.length === killedAfter) throw new Killed();
  };
  const settings = { retentionDays: 0, patienceMs: 10_000, isDryRun: false, ...options };
  await new LogCompaction(author.databases, owner, say).run({
    ...settings,
    exportDir: directory.path,
    mostPartitions: most,
  });
  return said;
}

const verify = () => {
  const { databases } = author;
  const verifier = new ChainVerifier(databases, new EventSearchRepository(), log, heads);
  return verifier.verify({}, new Scheduler().begin({ workClass: 'long' }));
};

const partitions = async () => {
  const { rows } = await owner.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'service_event'::regclass`,
  );
  return rows.map(({ name }) => name);
};

const tables = async () => {
  const { rows } = await owner.query<{ name: string }>(
    `select relname as name from pg_class where relname ~ '^service_event_p\\d+$'`,
  );
  return rows.map(({ name }) => name).sort();
};

const exported = async (): Promise<LogEvent[]> => {
  const names = (await readdir(directory.path)).filter(name => name.endsWith('.ndjson'));
  const texts = await Promise.all(names.map(name => readFile(join(directory.path, name), 'utf8')));
  const lines = texts.flatMap(text => text.split('\n').filter(line => line !== ''));
  return lines.map(line => JSON.parse(line) as LogEvent).sort((a, b) => a.revision - b.revision);
};

/** Each event is in the log or in an export, and only the events that record cuts have been added. */
async function expectNothingLost(): Promise<void> {
  const facts = await assertCatalogInvariants(database.url);
  expect(await verify()).toMatchObject({ valid: true, checked: facts.events.length });
  const all = new Map([...(await exported()), ...facts.events].map(event => [event.revision, event]));
  const known = [...all.values()].sort((a, b) => a.revision - b.revision);
  expect(known.filter(({ action }) => action !== 'audit.compacted')).toEqual(events);
}

describe('LogCompaction', () => {
  it('only reports what it would do in a dry run', async () => {
    const before = await tables();
    const said = await run({ isDryRun: true, most: 2 });
    expect(said.join('\n')).toMatch(/revisions 1 to 9 .*\n.*revisions 10 to 19 .*\n.*dry run/);
    expect(await tables()).toEqual(before);
    expect(await readdir(directory.path)).toEqual([]);
    expect((await assertCatalogInvariants(database.url)).events).toEqual(events);
  });

  it('reports an unfinished cut in a dry run', async () => {
    await expect(run({ killedAfter: 4 })).rejects.toThrow(Killed);
    const said = await run({ isDryRun: true });
    expect(said.join('\n')).toMatch(/cut at revision 9 would be finished: service_event_p0 .*\n.*revisions 10 to 19 /);
    expect(await partitions()).toContain('service_event_p0');
  });

  it('retains recent events, events that stored responses are built from, and the partition of the head', async () => {
    expect((await run({ retentionDays: 2 })).join()).toContain('Nothing to remove');
    const { at } = events[24]!;
    const older = events.findLast(event => event.revision % SIZE === SIZE - 1 && event.at < at)!.revision;
    await owner.query(
      `insert into idempotency_key select 'a', 'k', repeat('a', 43), at, revision, batch_id, '{}' from service_event where revision = 25`,
    );
    await run({ most: 100 });
    expect((await assertCatalogInvariants(database.url)).events[0]!.revision).toBe(older + 1);
    await owner.query('delete from idempotency_key');
    await run({ most: 100 });
    const left = (await assertCatalogInvariants(database.url)).events;
    expect(left[0]!.revision % SIZE).toBe(0);
    expect(left.length, 'only the partition of the head is left').toBeLessThanOrEqual(SIZE + 2);
    await expectNothingLost();
  });

  it('may be killed after every step: the next run continues or starts again, and nothing is lost meanwhile', async () => {
    const steps = (await run()).length;
    expect(steps).toBe(9);
    await expectNothingLost();
    for (let killedAfter = 1; killedAfter <= steps; killedAfter++) {
      await expect(run({ killedAfter })).rejects.toThrow(Killed);
      await expectNothingLost();
      // A recorded cut is finished, without beginning the next one.
      await run({ most: killedAfter < 4 ? 1 : 0 });
      await expectNothingLost();
    }
    const { rows } = await owner.query('select from log_cut where finished_at is null');
    expect(rows).toEqual([]);
    expect(await tables()).toEqual((await partitions()).sort());
    expect((await readdir(directory.path)).filter(name => !name.endsWith('.ndjson'))).toEqual([]);
  });

  it('may be killed at any moment: the next run continues or starts again, and nothing is lost meanwhile', async () => {
    const compact = () =>
      ServiceProcess.start(directory, [process.execPath, COMPACT, database.url, directory.path, String(PARTITIONS)], {
        cwd: ROOT,
      });
    for (let lines = 1; lines <= 8; lines++) {
      const killed = compact();
      // Killed during the step after this many lines. If earlier kills came late, there is less to do, and the run may end by
      // itself before it has printed as many lines.
      const isUnderWay = await killed.says(new RegExp(`(?:.*\\n){${lines}}`)).then(
        () => true,
        () => false,
      );
      if (isUnderWay) await killed.kill();
      else expect(await killed.ended, killed.output).toEqual({ code: 0, signal: null });
      await expectNothingLost();
    }
    const last = compact();
    expect(await last.ended, last.output).toEqual({ code: 0, signal: null });
    await expectNothingLost();
    expect((await assertCatalogInvariants(database.url)).events[0]!.revision).toBeGreaterThanOrEqual(
      SIZE * (PARTITIONS - 1),
    );
    expect(await tables()).toEqual((await partitions()).sort());
    expect((await readdir(directory.path)).filter(name => name.endsWith('.partial'))).toEqual([]);
  });

  it('exports a file that can be verified offline with the anchor of the cut', async () => {
    await run();
    const [name] = await readdir(directory.path);
    const { rows } = await owner.query<{ anchor: string; sha: string; file: string }>(
      `select revision || ':' || hash as anchor, export_sha256 as sha, export_file as file from log_cut`,
    );
    const path = join(directory.path, name!);
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, path, '--anchor', rows[0]!.anchor]);
    expect(stdout).toMatch(/^OK: 9 events, revisions 1 to 9/);
    expect(rows[0]!.file).toBe(name);
    expect(await verify()).toMatchObject({ valid: true });
    const recorded = (await assertCatalogInvariants(database.url)).events.at(-1)!;
    expect(recorded).toMatchObject({
      action: 'audit.compacted',
      actor: 'system:retention',
      after: { revision: 9, events: 9, firstRevision: 1, exportFile: name, exportSha256: rows[0]!.sha },
    });
  });

  it('takes over the file of a run that was killed while writing, and replaces no other file', async () => {
    const path = join(
      directory.path,
      `audit-${(await assertCatalogInvariants(database.url)).head.epoch.slice(0, 8)}-1-9.ndjson`,
    );
    await writeFile(path, 'something else\n');
    await expect(run()).rejects.toThrow('Move it away');
    expect(await readFile(path, 'utf8')).toBe('something else\n');
    await writeFile(path, `${JSON.stringify(events[0])}\n`);
    await expect(run(), 'a complete export of fewer events').rejects.toThrow('Move it away');
    expect((await assertCatalogInvariants(database.url)).events).toEqual(events);
    await writeFile(path, '');
    const partial = `${path}.partial`;
    await writeFile(partial, 'a half line of ano');
    const killed = `${path}.6064ec64-99be-423e-92f8-630b1dbfb48b.partial`;
    await writeFile(killed, 'a half line');
    const said = await run();
    await expectNothingLost();
    expect(said).toContain(`Removed ${killed}, left by a run that was killed.`);
    expect(said.join('\n')).toContain(`Kept ${partial}`);
    expect(await readFile(partial, 'utf8')).toBe('a half line of ano');
    expect((await readdir(directory.path)).sort()).toEqual([basename(path), basename(partial)]);
  });

  it('writes through no symbolic link, and leaves no partial file behind when it fails', async () => {
    const epoch = (await assertCatalogInvariants(database.url)).head.epoch.slice(0, 8);
    const path = join(directory.path, `audit-${epoch}-1-9.ndjson`);
    const foreign = join(directory.path, 'foreign');
    await writeFile(foreign, '');
    await symlink(foreign, path);
    await symlink(foreign, `${path}.partial`);
    await expect(run()).rejects.toThrow(`${path} already exists. Move it away.`);
    await unlink(path);
    await symlink(join(directory.path, 'nothing'), path);
    await expect(run()).rejects.toThrow('Move it away');
    await unlink(path);
    await mkdir(path);
    await expect(run()).rejects.toThrow('Move it away');
    const name = basename(path);
    expect((await readdir(directory.path)).sort()).toEqual([name, `${name}.partial`, 'foreign']);
    expect(await readFile(foreign, 'utf8')).toBe('');
    await rmdir(path);
    await run();
    await expectNothingLost();
    expect(await readFile(foreign, 'utf8')).toBe('');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('removes nothing from a broken log', async () => {
    await owner.query(
      `alter table service_event_p0 disable trigger user; update service_event set actor = 'x' where revision = 5`,
    );
    await expect(run()).rejects.toThrow('HASH_MISMATCH at revision 5');
    expect(await tables()).toContain('service_event_p0');
    expect((await owner.query('select from log_cut')).rows).toEqual([]);
  });

  it('finishes a detachment that was begun and then waited for a transaction that uses the log', async () => {
    const user = new Client({ connectionString: database.url });
    await user.connect();
    await expect(run({ killedAfter: 5 })).rejects.toThrow(Killed);
    await user.query('begin; select count(*) from service_event');
    await expect(new PartitionRemoval(owner, 50, 2).detach('service_event_p0')).rejects.toMatchObject({
      code: '55P03',
    });
    const { rows } = await owner.query('select from pg_inherits where inhdetachpending');
    expect(rows).toHaveLength(1);
    await author.add(anInstance({ service: 'later', instanceId: 'while-it-waits' }));
    await user.query('rollback');
    await user.end();
    await run();
    expect(await tables()).not.toContain('service_event_p0');
    expect(await verify()).toMatchObject({ valid: true });
    await assertCatalogInvariants(database.url);
  });

  it('waits for transactions that began before the cut: until they end, they can read all events', async () => {
    const reading = Promise.withResolvers<void>();
    const cut = Promise.withResolvers<void>();
    const reader = readSnapshot(author.databases, async em => {
      const head = await heads.read(em);
      reading.resolve();
      await cut.promise;
      return { head, found: await log.findAfter(em, 0, 1_000) };
    });
    await reading.promise;
    const steps: string[] = [];
    const running = run({
      onStep: line => {
        steps.push(line);
        if (line.startsWith('The log is cut')) cut.resolve();
      },
    });
    const { head, found } = await reader;
    expect(found.map(({ revision }) => revision)).toEqual(events.map(({ revision }) => revision));
    expect(head.revision).toBe(found.at(-1)!.revision);
    await running;
    expect(steps.at(-1)).toContain('begins after revision 9');
  });

  it('reports the transactions that it waits for, and continues with the next run', async () => {
    const sleeper = new Client({ connectionString: database.url, application_name: 'a long report' });
    await sleeper.connect();
    await sleeper.query('begin isolation level repeatable read; select 1');
    await expect(run({ patienceMs: 50 })).rejects.toThrow(/older than the cut.*a long report/s);
    expect(await partitions()).toContain('service_event_p0');
    await sleeper.end();
    await run();
    await expectNothingLost();
  });

  it('refuses a second compaction at the same time', async () => {
    const options = {
      retentionDays: 0,
      exportDir: directory.path,
      mostPartitions: 1,
      patienceMs: 10_000,
      isDryRun: false,
    };
    const target = { url: database.url, ssl: 'off' } as const;
    let second: Promise<unknown> | undefined;
    await compactLog(target, options, () => {
      second ??= compactLog(target, options, () => undefined).catch((error: unknown) => String(error));
    });
    expect(await second).toContain('already running');
  });

  it('does not hide a forged cut from a verification', async () => {
    await run();
    await owner.query(`update log_cut set hash = repeat('a', 64)`);
    expect(await verify()).toMatchObject({ valid: false, firstBroken: { revision: 9, reason: 'CUT_MISMATCH' } });
  });
});
