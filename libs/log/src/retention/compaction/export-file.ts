import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { v4 as uuid, validate as validateUuid } from 'uuid';
import { type LogEvent } from '../../events/log-event.js';
import { linesOf } from '../../events/event-formats.js';

/** Only whoever may run the compaction is to read what it writes. */
const MODE = 0o600;
const PARTIAL = '.partial';

/** A file that is on disk. */
export interface WrittenFile {
  readonly events: number;
  /** SHA-256 (hex). */
  readonly sha256: string;
}

/**
 * Writes events, one a line, into a file that is there only when all of it is on disk. What was written until then is in a file
 * of its own, whose name ends with `.partial`: no file that is there is opened for writing.
 * @throws Error when there is something of that name
 */
export async function writeExport(path: string, pages: AsyncIterable<readonly LogEvent[]>): Promise<WrittenFile> {
  if (!(await isFree(path))) throw nameTaken(path);
  const partial = `${path}.${uuid()}${PARTIAL}`;
  const hash = createHash('sha256');
  let events = 0;
  const file = await open(partial, 'wx', MODE);
  try {
    try {
      for await (const page of pages) {
        const text = linesOf('ndjson', page);
        hash.update(text);
        await file.writeFile(text);
        events += page.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await takeName(path);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
  return { events, sha256: hash.digest('hex') };
}

/**
 * Removes what runs have left that were ended while they wrote this export, and tells of each file.
 * @param say is told what was removed, and what was not because its name is not one that is made here
 */
export async function clearLeftovers(path: string, say: (line: string) => void): Promise<void> {
  const [folder, prefix] = [dirname(path), `${basename(path)}.`];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (!name.startsWith(basename(path)) || !name.endsWith(PARTIAL)) continue;
    const leftover = join(folder, name);
    if (entry.isFile() && validateUuid(name.slice(prefix.length, -PARTIAL.length))) {
      await rm(leftover);
      say(`Removed ${leftover}, which a run that was ended has left.`);
    } else {
      say(`${leftover} is not needed. It stays, since it may be somebody else's: remove it, if it is not.`);
    }
  }
}

/** Whether there is something in the file of this name, or behind a symbolic link of this name. */
export const hasContent = async (path: string): Promise<boolean> => ((await found(() => stat(path)))?.size ?? 0) > 0;

/** An empty file was left by one who was killed when it had taken the name. A symbolic link is nothing that we make. */
async function isFree(path: string): Promise<boolean> {
  const there = await found(() => lstat(path));
  return there === undefined || (there.isFile() && there.size === 0);
}

/** Makes an empty file of this name, unless there is one: renaming alone would replace what is there without a word. */
async function takeName(path: string): Promise<void> {
  if (!(await isFree(path))) throw nameTaken(path);
  await open(path, 'wx', MODE).then(
    file => file.close(),
    (error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    },
  );
}

const nameTaken = (path: string): Error => new Error(`There is something called ${path} already. Move it away.`);

async function found(look: () => Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await look();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Reads an exported file again, event by event. @returns its SHA-256 (hex) @throws SyntaxError for what is no JSON */
export async function readExport(path: string, onEvent: (event: LogEvent) => void): Promise<string> {
  const hash = createHash('sha256');
  const input = createReadStream(path);
  input.on('data', chunk => hash.update(chunk));
  for await (const line of createInterface({ input, crlfDelay: Infinity })) onEvent(JSON.parse(line) as LogEvent);
  return hash.digest('hex');
}

/** That the name is there is only on disk when the directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
