import { existsSync, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { compiled } from './typescript.mjs';

/** What the service is made of. */
const SOURCES = ['apps', 'libs', 'migrations'];
const TESTS = /[.](?:spec|int-spec|e2e-spec)[.]ts$/;
/** One command of a person (a checkout, say) changes many files: they count as one change when no other follows within (ms). */
const QUIET_MS = 100;

/** The sources of the service, watched for changes. */
export class WatchedSources {
  /** Changed since the last time that all was well. @type {Set<string>} */
  #changed = new Set();
  /** @type {Map<string, import('node:fs').FSWatcher>} */
  #directories = new Map();
  #timer;
  #told;

  /**
   * @param {() => void} told is called after each change
   * @param {readonly string[]} directories what to watch; other ones in tests
   */
  constructor(told, directories = SOURCES) {
    this.#told = told;
    for (const directory of directories) this.#watch(directory);
  }

  /** Watches no more. */
  close() {
    clearTimeout(this.#timer);
    for (const directory of this.#directories.keys()) this.#forget(directory);
  }

  /**
   * Compiles what was changed, so that whoever loads it next need not. What is faulty is looked at again next time.
   * @returns a text about each file that is not TypeScript
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
   * Each directory is watched by itself: on Linux a recursive watch loses a file that an editor replaces by a new one of its
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
    this.#timer = setTimeout(this.#told, QUIET_MS);
  }
}
