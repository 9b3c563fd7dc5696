import { fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';

const MAIN = 'apps/coordination/src/main.ts';
const NODE_OPTIONS = ['--enable-source-maps', '--import', './scripts/typescript.mjs'].concat([
  '--import',
  './scripts/end-with-parent.mjs',
]);
/** A service that does not end is killed this long (ms) after the shutdown time of its settings. */
const KILL_AFTER_MS = 10_000;

/** Runs the service in a child process and replaces it when the sources change. */
export class ReloadingService {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** Resolves when the last requested restart is done. */
  #restarts = Promise.resolve();
  #isRestartQueued = false;
  #isStopped = false;
  #killAfterMs;
  #nodeOptions;
  #say;

  /**
   * @param {number} graceMs how long the service may take to end
   * @param {(line: string) => void} say prints a line when the service has ended by itself
   * @param {(options: string[]) => string[] | undefined} limitHeap adds the limit of the heap to options of Node.js; undefined if
   * there is nothing to add
   */
  constructor(graceMs, say, limitHeap) {
    this.#killAfterMs = graceMs + KILL_AFTER_MS;
    this.#nodeOptions = limitHeap(NODE_OPTIONS) ?? NODE_OPTIONS;
    this.#say = say;
  }

  /** Starts the service, or replaces the running one. Calls before a queued restart begins have no further effect. */
  restart() {
    if (this.#isRestartQueued) return;
    this.#isRestartQueued = true;
    this.#restarts = this.#replace(this.#restarts);
  }

  /** Stops the service permanently. @returns its exit code; 0 if it was not running */
  async stop(signal) {
    this.#isStopped = true;
    const code = await this.#end(signal);
    await this.#restarts;
    return code;
  }

  async #replace(before) {
    await before;
    this.#isRestartQueued = false;
    await this.#end('SIGTERM');
    if (!this.#isStopped) this.#start();
  }

  #start() {
    const child = fork(MAIN, {
      execArgv: this.#nodeOptions,
      env: { LOG_FORMAT: 'pretty', ...process.env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#say(
        `The service ended (${signal ?? `exit code ${code}`}). It will be started again when a source file changes.`,
      );
    });
  }

  async #end(signal) {
    const child = this.#child;
    if (child === undefined) return 0;
    this.#child = undefined;
    const ended = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#killAfterMs);
    const [code] = await ended;
    clearTimeout(timer);
    return code ?? 0;
  }
}
