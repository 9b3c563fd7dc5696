import { execFileSync } from 'node:child_process';
import { cpSync, realpathSync, symlinkSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
const PARTS = ['apps', 'libs', 'migrations', 'scripts', 'Makefile', '.npmrc'].concat([
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'nest-cli.json',
]);

/**
 * Copies what a checkout needs to run the service, as it is now, with its build and the dependencies that are installed
 * here.
 */
export function copyCheckout(to: string): string {
  // Nothing is done where the build is that of these sources already.
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT });
  cpSync(join(ROOT, 'dist'), join(to, 'dist'), { recursive: true, preserveTimestamps: true });
  for (const part of PARTS) cpSync(join(ROOT, part), join(to, part), { recursive: true, preserveTimestamps: true });
  symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(to, 'node_modules'));
  // Older than what is installed, or the commands would install again, into the directory that is shared.
  utimesSync(join(to, 'package-lock.json'), 0, 0);
  // Directories are as new as the copy, and a build that is older than a source is made again.
  const now = new Date();
  utimesSync(join(to, 'dist/.built'), now, now);
  return to;
}
