import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { execArgvForBudget } from '@coordination/config/memory';
import { Api } from '../../support/http/api.js';
import { waitFor } from '../../support/time/wait-for.js';
import { endProfile, startProfile } from '../preload/profiling.js';
import { end, END_WITH_PARENT, ROOT } from './run-script.js';

/** What a build of the service starts with, relative to its checkout. */
export const MAIN = 'dist/apps/coordination/src/main.js';
const LISTENING = /Listening on (http:\/\/[\d.:]+)/;

/** How long (ms) a node may take to listen, and to have its catalog in memory. */
const LISTEN_PATIENCE_MS = 60_000;
const LOAD_PATIENCE_MS = 120_000;

/** How much of what a node prints is kept (characters). */
const PRINTED_MAX = 1_000_000;

/** How a node is started. */
export interface BenchNodeOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whose build it runs; by default that of this tree. */
  readonly checkout?: string | undefined;
  /** How many files and sockets it may have open; absent: as many as this process. Needs `sh`. */
  readonly descriptors?: number;
  /** Modules that run in it before its program: absolute paths. */
  readonly preloads?: readonly string[];
}

/** A node of the service as it runs in production: built, in a process of its own. */
export class BenchNode {
  private constructor(
    private readonly child: ChildProcess,
    private readonly output: Output,
    readonly api: Api,
    /** From the start of the process to the first answer from the catalog (ms). */
    readonly startMs: number,
    /** Of that, from when it listened on: little but reading the catalog into memory (ms). */
    readonly loadMs: number,
  ) {}

  /** Starts a node, and waits until it has loaded the catalog. */
  static async start(databaseUrl: string, options: BenchNodeOptions = {}): Promise<BenchNode> {
    const { env = {}, checkout = ROOT, descriptors, preloads = [] } = options;
    const begun = performance.now();
    const node = [
      process.execPath,
      ...heapOptions(env),
      ...END_WITH_PARENT,
      ...preloads.flatMap(file => ['--import', file]),
      '--enable-source-maps',
      join(checkout, MAIN),
    ];
    const [command, ...args] = descriptors === undefined ? node : limited(node, descriptors);
    const child = spawn(command!, args, {
      cwd: checkout,
      env: { ...process.env, PORT: '0', DATABASE_URL: databaseUrl, PCS_MIGRATE_ON_START: 'off', ...env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const output = new Output(child);
    try {
      const { api, listeningAt } = await untilReady(child, output);
      const readyAt = performance.now();
      return new BenchNode(child, output, api, readyAt - begun, readyAt - listeningAt);
    } catch (error) {
      await end(child);
      throw error;
    }
  }

  /** The whole lines that the node has printed up to now. */
  get lines(): readonly string[] {
    return this.output.text.split('\n').slice(0, -1);
  }

  /** Stops the process as if the machine were paused; it has to be resumed before it can end. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  /** Starts a CPU profile of the node, which has to have `PROFILE_PRELOAD` among its preloads. */
  async startProfile(): Promise<void> {
    await startProfile(this.child);
  }

  /** Ends the profile, and writes it to a file (an absolute path). */
  async endProfile(file: string): Promise<void> {
    await endProfile(this.child, file);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get url(): string {
    return this.api.url;
  }

  async stop(): Promise<void> {
    await end(this.child);
  }
}

/** What a process prints, up to a bound. */
class Output {
  text = '';

  constructor(child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (this.text.length < PRINTED_MAX) this.text += String(chunk);
    });
  }
}

/**
 * The limit of V8's heap that a node would otherwise set by starting its program again, which it does not do with a channel to its
 * parent.
 */
const heapOptions = (env: Readonly<Record<string, string>>): readonly string[] =>
  execArgvForBudget({
    budget: env['PCS_MEMORY_BUDGET_MB'] ?? process.env['PCS_MEMORY_BUDGET_MB'],
    execArgv: [],
    nodeOptions: process.env['NODE_OPTIONS'],
  }) ?? [];

/** A command that runs another one with a limit of open files; the shell becomes that one, so that its id is the same. */
const limited = (command: readonly string[], descriptors: number): string[] => [
  'sh',
  '-c',
  `ulimit -n ${descriptors} && exec "$0" "$@"`,
  ...command,
];

/** Waits until a node listens, and then until it answers from the catalog. */
async function untilReady(
  child: ChildProcess,
  output: Output,
): Promise<{ readonly api: Api; readonly listeningAt: number }> {
  const listens = () => {
    if (child.exitCode !== null) throw new Error(`The node ended with code ${child.exitCode}: ${output.text}`);
    return LISTENING.test(output.text);
  };
  await waitFor('the node listens', listens, LISTEN_PATIENCE_MS);
  const listeningAt = performance.now();
  const api = new Api(LISTENING.exec(output.text)?.[1] ?? '');
  const isReady = async () => (await api.get('/health/ready')).status === 200;
  await waitFor('the catalog is loaded', isReady, LOAD_PATIENCE_MS);
  return { api, listeningAt };
}
