import { copyFile, link, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Why a file cannot be linked where it could be copied: another disk, too many links, a file of somebody else's. */
const COPIED_INSTEAD = new Set(['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP']);

/**
 * Makes a directory with the same files as another, by hard links where there can be.
 * @param without names that are left out at the top
 */
export async function linkTree(from: string, to: string, without: readonly string[] = []): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (without.includes(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await linkFile(source, target);
  }
}

async function linkFile(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    if (!COPIED_INSTEAD.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(source, target);
  }
}
