import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Api } from '../../support/http/api.js';
import { waitFor } from '../../support/time/wait-for.js';
import { end, END_WITH_PARENT, ROOT } from './run-script.js';

/** What a build of the service starts with, relative to its checkout. */
export const MAIN = 'dist/apps/coordination/src/main.js';
const LISTENING = /Listening on (http:\/\/[\d.:]+)/;

/** How long (ms) a node may take to listen, and to have its catalog in memory. */
const LISTEN_PATIENCE_MS = 60_000;
const LOAD_PATIENCE_MS = 120_000;

/** A node of the service as it runs in production: built, in a process of its own. */
export class BenchNode {
  private constructor(
    private readonly child: ChildProcess,
    readonly api: Api,
    /** From the start of the process to the first answer from the catalog (ms). */
    readonly startMs: number,
    /** Of that, from when it listened on: little but reading the catalog into memory (ms). */
    readonly loadMs: number,
  ) {}

  /**
   * Starts a node, and waits until it has loaded the catalog.
   * @param checkout whose build it runs
   */
  static async start(
    databaseUrl: string,
    env: Readonly<Record<string, string>> = {},
    checkout = ROOT,
  ): Promise<BenchNode> {
    const begun = performance.now();
    const child = spawn(process.execPath, [...END_WITH_PARENT, '--enable-source-maps', join(checkout, MAIN)], {
      cwd: checkout,
      env: { ...process.env, PORT: '0', DATABASE_URL: databaseUrl, PCS_MIGRATE_ON_START: 'off', ...env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    try {
      const { api, listeningAt } = await untilReady(child);
      const readyAt = performance.now();
      return new BenchNode(child, api, readyAt - begun, readyAt - listeningAt);
    } catch (error) {
      await end(child);
      throw error;
    }
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

/** Waits until a node listens, and then until it answers from the catalog. */
async function untilReady(child: ChildProcess): Promise<{ readonly api: Api; readonly listeningAt: number }> {
  let printed = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    if (printed.length < 100_000) printed += String(chunk);
  });
  const listens = () => {
    if (child.exitCode !== null) throw new Error(`The node ended with code ${child.exitCode}: ${printed}`);
    return LISTENING.test(printed);
  };
  await waitFor('the node listens', listens, LISTEN_PATIENCE_MS);
  const listeningAt = performance.now();
  const api = new Api(LISTENING.exec(printed)?.[1] ?? '');
  const isReady = async () => (await api.get('/health/ready')).status === 200;
  await waitFor('the catalog is loaded', isReady, LOAD_PATIENCE_MS);
  return { api, listeningAt };
}
