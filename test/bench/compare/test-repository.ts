import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Repository } from './git.js';

/** What git does is not to depend on the settings of whoever runs the tests. */
const SETTINGS = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'somebody',
  GIT_AUTHOR_EMAIL: 'somebody@example.com',
  GIT_COMMITTER_NAME: 'somebody',
  GIT_COMMITTER_EMAIL: 'somebody@example.com',
};

/** A repository for one test. */
export interface TestRepository {
  readonly root: string;
  /** Runs git in it, or in another directory. @returns what it printed */
  git(...args: string[]): string;
  gitIn(cwd: string, ...args: string[]): string;
  /** Commits all files of the tree, these among them. @returns the hash */
  commit(files: Readonly<Record<string, string>>, message: string): Promise<string>;
  open(): Promise<Repository>;
}

function gitIn(cwd: string, ...args: string[]): string {
  const env = { PATH: process.env['PATH'], ...SETTINGS };
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** Makes a {@link TestRepository}. @param root a directory that does not exist yet */
export async function aRepository(root: string): Promise<TestRepository> {
  const git = (...args: string[]) => gitIn(root, ...args);
  await mkdir(root);
  git('init', '--initial-branch', 'main');
  return {
    root,
    git,
    gitIn,
    async commit(files, message) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(root, name)), { recursive: true });
        await writeFile(join(root, name), text);
      }
      git('add', '--all');
      git('commit', '--allow-empty', '--message', message);
      return git('rev-parse', 'HEAD');
    },
    open: () => Repository.open(root),
  };
}
