import { type Dirent } from 'node:fs';
import { chmod, lstat, mkdir, readdir, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isEarlierHome, unknownNames } from './earlier-home.js';

/** Mode of every directory that holds data. PostgreSQL insists on it too. */
export const PRIVATE_DIRECTORY = 0o700;

/** The first file that is made in a directory of this service. Its presence is enough: nothing else makes a file of this name. */
export const MARKER = 'embedded-postgres-of-platform-coordination';

const MARKER_TEXT =
  'The embedded PostgreSQL of Platform Coordination Service keeps its data in this directory.\n' +
  'Do not change them by hand, and keep nothing else here.\n';

/** Files of volumes, version control and file managers in directories that count as empty. */
const PLACEHOLDERS: Readonly<Record<string, 'file' | 'directory'>> = {
  'lost+found': 'directory',
  '.gitkeep': 'file',
  '.gitignore': 'file',
  '.keep': 'file',
  '.DS_Store': 'file',
};

const OTHER_DIRECTORY = 'Set PCS_EMBEDDED_POSTGRES_DIR to a directory that does not exist yet, or is empty.';

/** All accounts may write there, such as in /tmp. */
const STICKY = 0o1000;
const ROOT = 0;
const NAMES_SHOWN = 3;

/**
 * Takes a directory for the embedded PostgreSQL, and makes it private. It may be absent, empty, or one that was taken before;
 * every other one is refused, and stays as it is.
 * @param asked relative to the working directory
 * @param remedy what the user can do when it is refused, as a sentence
 * @returns its real path
 * @throws Error with the reason why the directory cannot be used, and the remedy
 */
export async function claimDirectory(asked: string, remedy = OTHER_DIRECTORY): Promise<string> {
  const path = resolve(asked);
  try {
    await makeIfAbsent(path);
    const directory = await realpath(path);
    await assertClaimable(directory);
    await mark(directory);
    await chmod(directory, PRIVATE_DIRECTORY);
    return directory;
  } catch (error) {
    throw new Error(`Cannot use ${path} for the embedded PostgreSQL: ${describe(error)}. ${remedy}`, { cause: error });
  }
}

async function makeIfAbsent(path: string): Promise<void> {
  const isThere = await lstat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
  if (isThere) return;
  await mkdir(dirname(path), { recursive: true });
  await mkdir(path, { mode: PRIVATE_DIRECTORY }).catch((error: unknown) => {
    // Another process made it in this moment.
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

async function assertClaimable(directory: string): Promise<void> {
  const found = await stat(directory);
  const { uid, mode } = found;
  if (!found.isDirectory()) throw new Refusal('it is not a directory');
  const user = process.getuid?.();
  if (user !== ROOT && user !== uid) throw new Refusal(`it belongs to another user (${uid})`);
  const entries = (await readdir(directory, { withFileTypes: true })).filter(entry => !isPlaceholder(entry));
  if (entries.some(entry => entry.name === MARKER && entry.isFile())) return;
  if (entries.length > 0) await assertOurs(directory, mode, entries);
  else if ((mode & STICKY) !== 0) throw new Refusal('all users share it');
}

async function assertOurs(directory: string, mode: number, entries: readonly Dirent[]): Promise<void> {
  if (await isEarlierHome(directory, mode, entries)) return;
  // Another process may have taken the empty directory while it was read.
  const marker = await lstat(join(directory, MARKER)).catch(() => undefined);
  if (marker?.isFile()) return;
  const names = unknownNames(entries);
  const shown = (names.length > 0 ? names : entries.map(({ name }) => name)).sort();
  const more = shown.length > NAMES_SHOWN ? ', …' : '';
  throw new Refusal(
    `it has content that is not its own (${shown.slice(0, NAMES_SHOWN).join(', ')}${more}). Nothing was changed`,
  );
}

async function mark(directory: string): Promise<void> {
  await writeFile(join(directory, MARKER), MARKER_TEXT, { flag: 'wx' }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

function isPlaceholder(entry: Dirent): boolean {
  const kind = PLACEHOLDERS[entry.name];
  return (kind === 'file' && entry.isFile()) || (kind === 'directory' && entry.isDirectory());
}

/** Why a directory is not taken, as the end of a sentence. */
class Refusal extends Error {}

function describe(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'it is a symbolic link to something that does not exist';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a part of its path is not a directory';
    case 'ELOOP':
      return 'its symbolic links lead in a circle';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
