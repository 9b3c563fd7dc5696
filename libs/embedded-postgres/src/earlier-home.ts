import { type Dirent } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Where data go that the server's account cannot reach in the checkout. */
export const ELSEWHERE = '/var/lib/platform-coordination';
/** File in the configured directory that names the directory with its content. */
export const MOVED_TO = 'moved-to';

/** All that releases without a marker put into a home. */
const CONTENT: Readonly<Record<string, 'file' | 'directory'>> = {
  lock: 'file',
  'lock-journal': 'file',
  password: 'file',
  'server.log': 'file',
  [MOVED_TO]: 'file',
  data: 'directory',
  'data.new': 'directory',
  shares: 'directory',
  binaries: 'directory',
};

const PASSWORD = /^[0-9a-f]{48}\s*$/;
const NEW_HOME = new RegExp(`^${ELSEWHERE}/[0-9a-f]{16}\\s*$`);
const PERMISSIONS = 0o777;
const PRIVATE = 0o700;

/**
 * Whether a release that knew no marker made this directory: it has nothing but what such a release makes, and is in
 * the place that only we use, or has something that only we make: a password of this kind, or a note of where the home went.
 */
export async function isEarlierHome(directory: string, mode: number, entries: readonly Dirent[]): Promise<boolean> {
  if (unknownNames(entries).length > 0) return false;
  if (NEW_HOME.test(directory)) return true;
  const text = (name: string) => readFile(join(directory, name), 'utf8').catch(() => '');
  const has = (name: string) => entries.some(entry => entry.name === name);
  if (has('password')) return PASSWORD.test(await text('password'));
  if (has(MOVED_TO)) return NEW_HOME.test(await text(MOVED_TO));
  // It was killed before it came to the password.
  const isBegun = entries.every(({ name }) => name === 'lock' || name === 'lock-journal');
  return isBegun && (mode & PERMISSIONS) === PRIVATE && (await isEmptyFile(join(directory, 'lock')));
}

/** What is in a directory besides the content of a home. */
export function unknownNames(entries: readonly Dirent[]): string[] {
  return entries
    .filter(entry => {
      const kind = CONTENT[entry.name];
      // Data may have been put on another disk, behind a symbolic link.
      const isDirectory = entry.isDirectory() || (entry.name === 'data' && entry.isSymbolicLink());
      return !(kind === 'file' && entry.isFile()) && !(kind === 'directory' && isDirectory);
    })
    .map(({ name }) => name);
}

async function isEmptyFile(path: string): Promise<boolean> {
  return await stat(path).then(
    ({ size }) => size === 0,
    () => false,
  );
}
