// Builds dist/ if a source is newer. Two services of one checkout may start at the same moment. Therefore the build runs under a
// lock, and is not repeated while a service runs from it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import './typescript.mjs';

const { FileLock } = await import('../libs/embedded-postgres/src/file-lock.ts');

const SOURCES = [
  'apps',
  'libs',
  'migrations',
  'package-lock.json',
  'tsconfig.json',
  'nest-cli.json',
  'scripts/bundle.mjs',
];
const TARGET = 'dist';
const STAMP = `${TARGET}/.built`;
const LOCK_TIMEOUT_MS = 180_000;

/** The time of the newest change below a path; directories count, so that a deleted file is noticed. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map(name => newest(join(path, name))));
}

// All paths are relative to the checkout, whatever the working directory of the caller.
process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
mkdirSync('.data', { recursive: true });
const lock = await FileLock.acquire('.data/build.lock', LOCK_TIMEOUT_MS);
const builtAt = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (Math.max(...SOURCES.map(newest)) > builtAt) {
  const begun = new Date();
  rmSync(TARGET, { recursive: true, force: true });
  // The steps of `npm run build`.
  for (const step of [
    ['node_modules/@nestjs/cli/bin/nest.js', 'build'],
    ['scripts/bundle.mjs'],
    ['dist/apps/coordination/src/write-documents.js'],
  ]) {
    const { status } = spawnSync(process.execPath, step, { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
  writeFileSync(STAMP, begun.toISOString());
}
lock.release();
