// Installs the dependencies when they are missing or older than package-lock.json. Runs on any Node.js from 20 on.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

const installed = 'node_modules/.package-lock.json';
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
  process.stdout.write('Installing dependencies …\n');
  // The development dependencies are needed whatever NODE_ENV says.
  const npm = spawnSync('npm', ['install', '--include=dev', '--include=optional'], { stdio: 'inherit' });
  if (npm.status !== 0) process.exit(npm.status ?? 1);
  const now = new Date();
  utimesSync(installed, now, now);
}
