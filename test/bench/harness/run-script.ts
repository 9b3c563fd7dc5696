import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = resolve(import.meta.dirname, '../../..');
const LOADER = resolve(ROOT, 'scripts/typescript.mjs');
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

const argumentsFor = (script: string, args: readonly string[]): string[] => [
  '--import',
  LOADER,
  resolve(ROOT, script),
  ...args,
];

/**
 * Runs a TypeScript file of the repository to its end, in a process of its own.
 * @param job goes to its standard input as JSON: it may be larger than an argument
 * @returns what it printed
 */
export async function runScript(script: string, job: unknown): Promise<string> {
  const running = run(process.execPath, argumentsFor(script, []), { maxBuffer: MAX_OUTPUT_BYTES });
  running.child.stdin?.end(JSON.stringify(job));
  return (await running).stdout;
}

/** Starts a process and waits for the first line that it prints. */
export async function startUntilFirstLine(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  const line = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`${command} ended with code ${code} before it was ready: ${printed}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += String(chunk);
      const end = printed.indexOf('\n');
      if (end !== -1) resolve(printed.slice(0, end));
    });
  });
  return { child, line };
}

/** Starts a TypeScript file of the repository and waits for the first line that it prints. */
export const startScript = (script: string, ...args: string[]) =>
  startUntilFirstLine(process.execPath, argumentsFor(script, args));

/** Ends a process as a supervisor would, and waits until it has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
