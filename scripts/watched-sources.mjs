import { existsSync, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { compiled } from './typescript.mjs';

/** The directories of the service's sources. */
const SOURCES = ['apps', 'libs', 'migrations'];
const TESTS = /[.](?:spec|int-spec|e2e-spec)[.]ts$/;
/** One command (a checkout, for example) changes many files: they count as one change if no other follows within this time (ms). */
const QUIET_MS = 100;

/** Watches the sources of the service for changes. */
export class WatchedSources {
  /** Files that changed since they last compiled without errors. @type {Set<string>} */
  #changed = new Set();
  /** @type {Map<string, import('node:fs').FSWatcher>} */
  #directories = new Map();
  #timer;
  #onChange;

  /**
   * @param {() => void} onChange is called after each change
   * @param {readonly string[]} directories which directories to watch; tests pass others
   */
  constructor(onChange, directories = SOURCES) {
    this.#onChange = onChange;
    for (const directory of directories) this.#watch(directory);
  }

  /** Stops watching. */
  close() {
    clearTimeout(this.#timer);
    for (const directory of this.#directories.keys()) this.#forget(directory);
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

  /**
   * Watches each directory separately: on Linux a recursive watch loses a file that an editor replaces by a new file of the same
   * name (Node.js 24).
   */
  #watch(directory) {
    this.#forget(directory);
    const watcher = watch(directory, (_event, name) => name !== null && this.#look(join(directory, name)));
    // The directory was removed meanwhile.
    watcher.on('error', () => this.#forget(directory));
    this.#directories.set(directory, watcher);
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) this.#watch(join(directory, entry.name));
    }
  }

  #forget(directory) {
    this.#directories.get(directory)?.close();
    this.#directories.delete(directory);
  }

  #look(path) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) {
      this.#watch(path);
      for (const name of readdirSync(path, { recursive: true })) this.#note(join(path, name));
    } else {
      if (!found) this.#forget(path);
      this.#note(path);
    }
  }

  #note(path) {
    if (!path.endsWith('.ts') || TESTS.test(path)) return;
    this.#changed.add(path);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, QUIET_MS);
  }
}
