import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { v4 as uuid, validate as validateUuid } from 'uuid';
import { type LogEvent } from '../../events/log-event.js';
import { linesOf } from '../../events/event-formats.js';

/** Only the user that runs the compaction may read the file. */
const MODE = 0o600;
const PARTIAL = '.partial';

/** A complete file, written to disk. */
export interface WrittenFile {
  readonly events: number;
  /** SHA-256 (hex). */
  readonly sha256: string;
}

/**
 * Writes events, one per line. The file gets its name only when all of it is on disk; until then its name ends with
 * `.partial`. Existing files are never opened for writing.
 * @throws Error when the name is taken
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
 * Removes the partial files of runs that were killed while they wrote this export.
 * @param say receives a line for each removed file, and for each file that is kept because this code does not make such names
 */
export async function clearLeftovers(path: string, say: (line: string) => void): Promise<void> {
  const [folder, prefix] = [dirname(path), `${basename(path)}.`];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (!name.startsWith(basename(path)) || !name.endsWith(PARTIAL)) continue;
    const leftover = join(folder, name);
    if (entry.isFile() && validateUuid(name.slice(prefix.length, -PARTIAL.length))) {
      await rm(leftover);
      say(`Removed ${leftover}, left by a run that was killed.`);
    } else {
      say(`Kept ${leftover}, which may belong to another program. The compaction does not need it.`);
    }
  }
}

/** Whether the file of this name, or the file that a symbolic link of this name leads to, has content. */
export const hasContent = async (path: string): Promise<boolean> => ((await ifExists(() => stat(path)))?.size ?? 0) > 0;

/** Whether the name can be used. An empty file was left by a run that was killed after {@link takeName}. */
async function isFree(path: string): Promise<boolean> {
  const there = await ifExists(() => lstat(path));
  return there === undefined || (there.isFile() && there.size === 0);
}

/** Creates an empty file of this name, unless there is one: renaming alone would replace another file. */
async function takeName(path: string): Promise<void> {
  if (!(await isFree(path))) throw nameTaken(path);
  await open(path, 'wx', MODE).then(
    file => file.close(),
    (error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    },
  );
}

const nameTaken = (path: string): Error => new Error(`${path} already exists. Move it away.`);

async function ifExists(readStats: () => Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await readStats();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/**
 * Reads an exported file, event by event.
 * @returns its SHA-256 (hex)
 * @throws SyntaxError when a line is not JSON
 */
export async function readExport(path: string, onEvent: (event: LogEvent) => void): Promise<string> {
  const hash = createHash('sha256');
  const input = createReadStream(path);
  input.on('data', chunk => hash.update(chunk));
  for await (const line of createInterface({ input, crlfDelay: Infinity })) onEvent(JSON.parse(line) as LogEvent);
  return hash.digest('hex');
}

/** Writes the directory to disk, and with it the new name. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
