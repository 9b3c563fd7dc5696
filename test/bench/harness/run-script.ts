import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';

export const ROOT = resolve(import.meta.dirname, '../../..');
export const LOADER = resolve(ROOT, 'scripts/typescript.mjs');

/** Arguments with which Node.js ends when this process does; it needs an IPC channel for that. */
export const END_WITH_PARENT: readonly string[] = ['--import', resolve(ROOT, 'scripts/end-with-parent.mjs')];

const argumentsFor = (script: string, args: readonly string[]): string[] => [
  ...END_WITH_PARENT,
  '--import',
  LOADER,
  resolve(ROOT, script),
  ...args,
];

/**
 * Runs a TypeScript file of the repository to its end, in a process of its own.
 * @param job goes to its standard input as JSON: it may be larger than an argument
 * @param onMessage called for each message that it sends, which is answered when that is done
 * @returns what it printed
 * @throws Error with what it wrote to its standard error, when it failed
 */
export async function runScript(
  script: string,
  job: unknown,
  onMessage: (message: unknown) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const child = spawn(process.execPath, argumentsFor(script, []), { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] });
  let refusal: unknown;
  child.on('message', message => {
    onMessage(message).then(
      () => child.connected && child.send('done'),
      (error: unknown) => {
        refusal = error;
        child.kill();
      },
    );
  });
  // A process that fails at once does not read its input: how it ended says more than a broken pipe.
  child.stdin!.on('error', () => undefined).end(JSON.stringify(job));
  const [output, errors] = await Promise.all([text(child.stdout!), text(child.stderr!), endOf(child)]);
  if (refusal !== undefined) throw refusal;
  if (child.exitCode === 0) return output;
  throw new Error(`${script} ended with ${child.signalCode ?? `code ${child.exitCode}`}: ${errors}`);
}

/** Starts a TypeScript file of the repository and waits for the first line that it prints. */
export async function startScript(
  script: string,
  ...args: string[]
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(process.execPath, argumentsFor(script, args), {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let printed = '';
  const line = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`${script} ended with code ${code} before it was ready: ${printed}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += String(chunk);
      const end = printed.indexOf('\n');
      if (end !== -1) resolve(printed.slice(0, end));
    });
  });
  return { child, line };
}

/** Ends a process as a supervisor would, and waits until it has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = endOf(child);
  child.kill('SIGTERM');
  await ended;
}

const endOf = async (child: ChildProcess): Promise<void> => void (await once(child, 'exit'));
