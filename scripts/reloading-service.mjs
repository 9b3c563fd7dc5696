import { fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';

const MAIN = 'apps/coordination/src/main.ts';
const NODE_OPTIONS = ['--enable-source-maps', '--import', './scripts/typescript.mjs'].concat([
  '--import',
  './scripts/end-with-parent.mjs',
]);
/** A service that does not end by itself is killed this long (ms) after the time that its settings give it. */
const PATIENCE_MS = 10_000;

/** The service in a process of its own, which is replaced when the sources change. */
export class ReloadingService {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** Ends when the last restart that was asked for is done. */
  #turn = Promise.resolve();
  #isAsked = false;
  #isStopped = false;
  #patienceMs;
  #say;

  /**
   * @param {number} graceMs how long the service may take to end
   * @param {(line: string) => void} say is told of a service that ended by itself
   */
  constructor(graceMs, say) {
    this.#patienceMs = graceMs + PATIENCE_MS;
    this.#say = say;
  }

  /** Starts the service, or replaces the one that runs. Calls that come before it is begun are one. */
  restart() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#turn = this.#replace(this.#turn);
  }

  /** Ends the service for good. @returns its exit code; 0 where none ran */
  async stop(signal) {
    this.#isStopped = true;
    const code = await this.#end(signal);
    await this.#turn;
    return code;
  }

  async #replace(before) {
    await before;
    this.#isAsked = false;
    await this.#end('SIGTERM');
    if (!this.#isStopped) this.#start();
  }

  #start() {
    const child = fork(MAIN, {
      execArgv: NODE_OPTIONS,
      env: { LOG_FORMAT: 'pretty', ...process.env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#say(`The service ended (${signal ?? `exit code ${code}`}). It is started again when a source changes.`);
    });
  }

  async #end(signal) {
    const child = this.#child;
    if (child === undefined) return 0;
    this.#child = undefined;
    const ended = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#patienceMs);
    const [code] = await ended;
    clearTimeout(timer);
    return code ?? 0;
  }
}
