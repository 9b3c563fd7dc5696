import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { MAIN } from '../harness/bench-node.js';
import { END_WITH_PARENT } from '../harness/run-script.js';
import { CannotCompare } from './cannot-compare.js';
import { type Commit, type Repository } from './git.js';
import { linkTree } from './link-tree.js';

const LOCK = 'package-lock.json';
const CACHES = ['.cache', '.vite', '.vite-temp'];

/** Settings of the service's databases: those of whoever calls must not reach the migrations. */
const OF_DATABASES = /^(?:DATABASE_|PG)/;

/** What builds of commits are made of. */
export interface CommitSource {
  readonly repository: Repository;
  /** The checkout whose dependencies are used where they are the same. */
  readonly root: string;
  readonly say: (line: string) => void;
}

/** The service of one commit, built in a directory of its own with the tools of that commit. */
export class CommitBuild {
  private constructor(
    readonly commit: Commit,
    readonly checkout: string,
  ) {}

  /**
   * Writes the files of a commit, gets its dependencies, and builds it.
   * @param checkout a directory that does not exist yet
   * @throws CannotCompare where that cannot be done
   */
  static async make({ repository, root, say }: CommitSource, commit: Commit, checkout: string): Promise<CommitBuild> {
    say(`Building ${commit.title}`);
    await repository.writeFiles(commit, checkout, `${checkout}.index`);
    const build = new CommitBuild(commit, checkout);
    if (!existsSync(join(checkout, LOCK)))
      throw new CannotCompare(`${commit.title} has no ${LOCK}: is it of this project?`);
    if (await haveSameLock(root, checkout)) await build.linkDependencies(root);
    else await build.installDependencies(say);
    await build.npm(['run', 'build']);
    if (existsSync(join(checkout, MAIN))) return build;
    throw new CannotCompare(`The build of ${commit.title} has no ${MAIN}: the bench does not know how to start it.`);
  }

  /** Makes the tables of this commit in an empty database. */
  async migrate(databaseUrl: string): Promise<void> {
    const others = Object.entries(process.env).filter(([name]) => !OF_DATABASES.test(name));
    const env = { ...Object.fromEntries(others), DATABASE_URL: databaseUrl };
    await this.npm(['run', 'migrate'], env);
  }

  private async linkDependencies(root: string): Promise<void> {
    await linkTree(join(root, 'node_modules'), join(this.checkout, 'node_modules'), CACHES);
    // Older than what is installed, or scripts of this checkout might install it again.
    await utimes(join(this.checkout, LOCK), 0, 0);
  }

  private async installDependencies(say: (line: string) => void): Promise<void> {
    say('Its package-lock.json differs from that of this tree: installing its dependencies, which takes minutes');
    await this.npm(['ci', '--include=dev', '--include=optional', '--prefer-offline']);
  }

  /** @throws CannotCompare with all that npm printed, when it fails */
  private async npm(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
    // npm tells the scripts that it runs where its own script is; without it there is one in PATH.
    const { npm_execpath: script } = process.env;
    const [command, ...first] = script?.endsWith('.js') ? [process.execPath, ...END_WITH_PARENT, script] : ['npm'];
    // The directory is named: npm would take the one of the npm that runs this process.
    const child = spawn(command, [...first, '--prefix', this.checkout, ...args], {
      cwd: this.checkout,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (printed += String(chunk)));
    const [code, signal] = (await once(child, 'close').catch((error: unknown) => {
      throw new CannotCompare(`npm cannot be started: ${error instanceof Error ? error.message : String(error)}`);
    })) as [number | null, NodeJS.Signals | null];
    if (code === 0) return;
    const end = signal ?? `code ${code}`;
    throw new CannotCompare(`${printed.trim()}\nnpm ${args.join(' ')} failed for ${this.commit.title} (${end}).`);
  }
}

/** Whether two checkouts ask for the same dependencies, and one has them. */
async function haveSameLock(root: string, checkout: string): Promise<boolean> {
  const wanted = await lockOf(checkout);
  return wanted !== undefined && wanted === (await lockOf(root)) && existsSync(join(root, 'node_modules'));
}

const lockOf = (checkout: string): Promise<string | undefined> =>
  readFile(join(checkout, LOCK), 'utf8').catch(() => undefined);
