import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { type AuditEvent } from '../../audit-event.js';
import { linesOf } from '../../event-formats.js';

/** Only whoever may run the compaction is to read what it writes. */
const MODE = 0o600;

/** A file that is on disk. */
export interface WrittenFile {
  readonly events: number;
  /** SHA-256 (hex). */
  readonly sha256: string;
}

/**
 * Writes events, one a line, into a file that is there only when all of it is on disk. What was written until then has
 * `.partial` at the end of its name.
 * @throws Error when there is a file of that name
 */
export async function writeExport(path: string, pages: AsyncIterable<readonly AuditEvent[]>): Promise<WrittenFile> {
  const partial = `${path}.partial`;
  const hash = createHash('sha256');
  let events = 0;
  const file = await open(partial, 'w', MODE);
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
  // The name is taken first, which fails where it is taken: renaming would replace what is there without a word.
  if (!(await isEmptyFile(path))) await (await open(path, 'wx', MODE)).close();
  await rename(partial, path);
  await syncDirectory(dirname(path));
  return { events, sha256: hash.digest('hex') };
}

/** Whether there is a file with something in it. */
export const hasContent = async (path: string): Promise<boolean> => ((await sizeOf(path)) ?? 0) > 0;

/** Left by one who was killed when it had taken the name. */
const isEmptyFile = async (path: string): Promise<boolean> => (await sizeOf(path)) === 0;

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Reads an exported file again, event by event. @returns its SHA-256 (hex) @throws SyntaxError for what is no JSON */
export async function readExport(path: string, onEvent: (event: AuditEvent) => void): Promise<string> {
  const hash = createHash('sha256');
  const input = createReadStream(path);
  input.on('data', chunk => hash.update(chunk));
  for await (const line of createInterface({ input, crlfDelay: Infinity })) onEvent(JSON.parse(line) as AuditEvent);
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
