import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type DisposableDirectory } from '../disposable-directory.js';
import { PATIENCE_MS, waitFor } from '../time/wait-for.js';

const run = promisify(execFile);

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The service started by a command, with everything that the command starts, in a process group of its own. */
export class ServiceProcess {
  private text = '';
  private end: End | undefined;
  /** How the command itself ended. */
  readonly ended: Promise<End>;

  private constructor(private readonly top: ChildProcess) {
    for (const stream of [top.stdout, top.stderr]) stream?.on('data', chunk => (this.text += String(chunk)));
    this.ended = once(top, 'close').then(([code, signal]) => (this.end = { code, signal }));
  }

  /** @param directory whose removal ends whatever is left of it */
  static start(
    directory: DisposableDirectory,
    [command = '', ...args]: readonly string[],
    options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
  ): ServiceProcess {
    const { NODE_ENV: _, ...inherited } = process.env;
    const top = spawn(command, args, {
      cwd: options.cwd,
      env: { ...inherited, PORT: '0', ...options.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (top.pid !== undefined) directory.owns(top.pid);
    return new ServiceProcess(top);
  }

  /** What it has printed so far, both streams. */
  get output(): string {
    return this.text;
  }

  /** Waits for what it prints. @throws Error with its output when it has ended without, or does not in time */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const printed = () => pattern.exec(this.text);
    const output = () => `Output:\n${this.text}`;
    await waitFor(`the process prints ${String(pattern)}`, () => printed() ?? this.end, PATIENCE_MS, output);
    const found = printed();
    if (!found) throw new Error(`Ended (${JSON.stringify(this.end)}) without printing ${String(pattern)}. ${output()}`);
    return found;
  }

  /** The URL that it listens at, once it does. */
  async url(): Promise<string> {
    return (await this.says(/Listening on (http:\/\/[\d.:]+)/))[1] ?? '';
  }

  /** Signals the command alone, as a supervisor does. */
  signal(signal: NodeJS.Signals): void {
    this.top.kill(signal);
  }

  /** Signals the whole group, as a terminal does on Ctrl-C. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-(this.top.pid ?? 0), signal);
  }

  /** Kills the living process of the group whose command line matches, as somebody does who has no patience. */
  async killMember(pattern: RegExp): Promise<void> {
    const found = (await processes()).filter(({ group, command }) => group === this.top.pid && pattern.test(command));
    if (found.length !== 1) throw new Error(`${found.length} processes match ${String(pattern)}.`);
    process.kill(found[0]!.pid, 'SIGKILL');
  }

  /** Ends whatever of the group is left, at once. */
  async kill(): Promise<void> {
    try {
      if ((await this.members()).length > 0) this.signalGroup('SIGKILL');
    } catch (error) {
      // The last one of them ended by itself in this moment.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await this.ended;
  }

  /** Command lines of the living processes of the group. */
  async members(): Promise<string[]> {
    return (await processes()).filter(({ group }) => group === this.top.pid).map(({ command }) => command);
  }
}

/**
 * Command lines of the living PostgreSQL servers whose data lie below the directory. For a moment after it was started, a
 * server's child has the command line of its server, and is not counted.
 */
export async function serversBelow(directory: string): Promise<string[]> {
  const found = (await processes()).filter(({ command }) => command.includes(`-D ${directory}/`));
  const pids = new Set(found.map(({ pid }) => pid));
  return found.filter(({ parent }) => !pids.has(parent)).map(({ command }) => command);
}

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly command: string;
}

/** All processes but those that have ended and only wait for their parent to notice. */
async function processes(): Promise<RunningProcess[]> {
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
    return (await Promise.all(pids.map(fromProc))).filter(found => found !== undefined);
  }
  const { stdout } = await run('ps', ['-A', '-ww', '-o', 'pid=,ppid=,pgid=,stat=,args=']);
  return stdout.split('\n').flatMap(line => {
    const [, pid, parent, group, state, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (command === undefined || state?.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), command }];
  });
}

/** Small container images have no `ps`. */
async function fromProc(pid: string): Promise<RunningProcess | undefined> {
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const [stat, words] = await Promise.all([read('stat'), read('cmdline')]);
  // After the name in parentheses: state, parent, group. A zombie has no command line.
  const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (words === '') return undefined;
  return { pid: Number(pid), parent: Number(parent), group: Number(group), command: words.replaceAll('\0', ' ') };
}
