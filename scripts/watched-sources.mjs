import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { watch } from 'chokidar';
import { compiled } from './typescript.mjs';

/** The directories of the service's sources. */
const SOURCES = ['apps', 'libs', 'migrations'];
const TESTS = /[.](?:spec|int-spec|e2e-spec)[.]ts$/;
const isSource = path => path.endsWith('.ts') && !TESTS.test(path);
const ignored = (path, stats) => stats?.isFile() === true && !isSource(path);

/** One command (a checkout, for example) changes many files: they count as one change if no other follows within this time (ms). */
const QUIET_MS = 100;

/** Watches the sources of the service for changes. */
export class WatchedSources {
  /** Files that changed since they last compiled without errors. @type {Set<string>} */
  #changed = new Set();
  #watcher;
  #timer;
  /** @type {() => void} */
  #onChange;

  /**
   * Use {@link open}.
   * @param {() => void} onChange
   * @param {readonly string[]} directories
   */
  constructor(onChange, directories) {
    this.#onChange = onChange;
    this.#watcher = watch([...directories], { ignoreInitial: true, ignored });
  }

  /**
   * Resolves when every later change will be noticed.
   * @param {() => void} onChange is called after each change
   * @param {readonly string[]} directories which directories to watch; tests pass others
   */
  static async open(onChange, directories = SOURCES) {
    const sources = new WatchedSources(onChange, directories);
    await once(sources.#watcher, 'ready');
    sources.#watcher.on('all', (_event, path) => sources.#note(path));
    return sources;
  }

  /** Stops watching. */
  async close() {
    clearTimeout(this.#timer);
    await this.#watcher.close();
  }

  /**
   * Compiles the changed files into the cache. Files with errors are compiled again next time.
   * @returns the errors of each file that is not valid TypeScript
   */
  faults() {
    const faults = [];
    for (const file of this.#changed) {
      try {
        if (existsSync(file)) compiled(file);
        this.#changed.delete(file);
      } catch (error) {
        faults.push(error.message);
      }
    }
    return faults;
  }

  #note(path) {
    if (!isSource(path)) return;
    this.#changed.add(path);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, QUIET_MS);
  }
}
