import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { endProfile, PROFILE_PRELOAD, startProfile } from './profiling.js';

let directory: DisposableDirectory;
let child: ChildProcess;

beforeAll(() => (directory = disposableDirectory()));
afterAll(() => directory.remove());
afterEach(async () => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
});

const start = (program: string): void => {
  const args = ['--import', PROFILE_PRELOAD, '--eval', program];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
};

interface Profile {
  readonly nodes: readonly { readonly callFrame: { readonly functionName: string } }[];
}

const profileIn = async (name: string): Promise<Profile> => {
  const file = join(directory.path, name);
  await endProfile(child, file);
  return JSON.parse(await readFile(file, 'utf8')) as Profile;
};

/** What V8 has optimized before a profile begins may appear as its caller, so each profile has a function of its own. */
const FUNCTIONS = ['workOfTheFirst', 'workOfTheSecond'] as const;

/** Runs a function for 50 ms of processor time whenever its name arrives. */
const WORKER = `
  ${FUNCTIONS.map(name => `function ${name}() { for (const from = process.cpuUsage().user; process.cpuUsage().user < from + 50_000; ); }`).join('\n')}
  const functions = { ${FUNCTIONS.join(', ')} };
  process.on('message', message => {
    if (!(message in functions)) return;
    functions[message]();
    process.send('worked');
  });
  setInterval(() => undefined, 1_000);
  process.send('ready');`;

it('A process is profiled several times, each time from the start to the end', async () => {
  start(WORKER);
  await once(child, 'message');
  const seen: string[][] = [];
  for (const name of FUNCTIONS) {
    await startProfile(child);
    child.send(name);
    await once(child, 'message');
    const { nodes } = await profileIn(`${name}.cpuprofile`);
    const names = new Set(nodes.map(({ callFrame }) => callFrame.functionName));
    seen.push(FUNCTIONS.filter(each => names.has(each)));
  }
  expect(seen).toEqual(FUNCTIONS.map(name => [name]));
});

it('A profile that the process cannot write is an error, and not a missing file', async () => {
  start('setInterval(() => undefined, 1_000)');
  await startProfile(child);
  await expect(profileIn('no-directory/x.cpuprofile')).rejects.toThrow('took no profile: Error: ENOENT');
});

it('A process that ends while it is profiled is an error, and nothing waits for it', async () => {
  start('setInterval(() => undefined, 1_000)');
  await startProfile(child);
  child.kill('SIGKILL');
  await expect(profileIn('x.cpuprofile')).rejects.toThrow();
});

it('The preloaded module does not keep a process alive that has nothing left to do', async () => {
  start('0');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
