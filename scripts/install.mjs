// Installs the dependencies if they are missing or older than package-lock.json. Runs on Node.js 20 and newer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

const installed = 'node_modules/.package-lock.json';
/** How often (ms) progress is printed: without a terminal, npm prints nothing until it ends. */
const PROGRESS_EVERY_MS = 10_000;
const MS = 1_000;

const say = line => process.stdout.write(`${line}\n`);

/** The number of installed packages, of those that package-lock.json lists. */
function progress() {
  const listed = Object.keys(JSON.parse(readFileSync('package-lock.json', 'utf8')).packages).length - 1;
  return `${packagesIn('node_modules')} of at most ${listed} packages`;
}

function packagesIn(directory) {
  if (!existsSync(directory)) return 0;
  const names = readdirSync(directory).filter(name => !name.startsWith('.'));
  const scopes = names.filter(name => name.startsWith('@'));
  return names.length - scopes.length + scopes.reduce((sum, scope) => sum + packagesIn(join(directory, scope)), 0);
}

async function install() {
  say('Installing dependencies. The first time takes a minute or two, and ten on a slow machine or network.');
  const begun = performance.now();
  const timer = setInterval(() => {
    say(`Installing dependencies: ${Math.round((performance.now() - begun) / MS)} s, ${progress()}`);
  }, PROGRESS_EVERY_MS);
  // The development dependencies are needed for every NODE_ENV. On Windows npm is a script, which needs a shell.
  const npm = spawn('npm', ['install', '--include=dev', '--include=optional'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  const [code] = await once(npm, 'exit').catch(error => {
    process.stderr.write(`npm cannot be started: ${error.message}\n`);
    return [1];
  });
  clearInterval(timer);
  if (code !== 0) {
    process.stderr.write(
      'npm install failed; see its output above. If the registry is unreachable, check `npm config get registry` and the proxy settings, then start again.\n',
    );
    process.exit(code ?? 1);
  }
  const now = new Date();
  utimesSync(installed, now, now);
  say(`Dependencies are installed, after ${Math.round((performance.now() - begun) / MS)} s.`);
}

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) await install();
