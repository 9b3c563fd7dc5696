import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CannotCompare } from './cannot-compare.js';

/** A commit by its full name, and by a short one with its subject, for people. */
export interface Commit {
  readonly id: string;
  readonly title: string;
}

/** What git sets for its hooks: it would send every command to another repository, tree or index. */
const SET_FOR_HOOKS = new Set(['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX']);

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** So many changed files are listed. */
const LISTED_CHANGES = 10;

interface GitEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The repository of a checkout, which is read only: no index, branch or list of worktrees of it is changed. */
export class Repository {
  private constructor(private readonly root: string) {}

  /** @throws CannotCompare where there is no git, or the directory is not the top of a checkout */
  static async open(root: string): Promise<Repository> {
    const repository = new Repository(root);
    const { code, out, err } = await repository.git(['rev-parse', '--show-toplevel']);
    if (code !== 0) {
      throw new CannotCompare(`${root} is not a checkout of git, so it has no commits to compare: ${err.trim()}`);
    }
    const top = out.trim();
    if ((await realpath(top)) !== (await realpath(root))) {
      throw new CannotCompare(
        `${root} is not the top of a checkout: it lies in that of ${top}, which has other commits.`,
      );
    }
    return repository;
  }

  /** The commit of a revision: a hash or its beginning, a branch, a tag, `HEAD~2`. @throws CannotCompare where there is none */
  async commit(revision: string): Promise<Commit> {
    // What begins with a dash would be an option of git.
    const isName = revision !== '' && !revision.startsWith('-');
    const { code, out, err } = isName
      ? await this.git(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`])
      : { code: 1, out: '', err: '' };
    if (code !== 0) {
      const shallow = (await this.must(['rev-parse', '--is-shallow-repository'])).trim() === 'true';
      const fetch = shallow ? 'This clone is shallow: git fetch --unshallow.' : 'Is it fetched (git fetch)?';
      throw new CannotCompare(`There is no commit ${JSON.stringify(revision)} here. ${err.trim()}${fetch}`);
    }
    const id = out.trim();
    return { id, title: (await this.must(['log', '-1', '--no-show-signature', '--format=%h %s', id])).trim() };
  }

  /** The commit of the checkout. @throws CannotCompare where files are not as they are in it */
  async cleanHead(): Promise<Commit> {
    const status = await this.must(['status', '--porcelain', '--untracked-files=normal']);
    const changes = status.split('\n').filter(line => line !== '');
    if (changes.length > 0) {
      const more = changes.length > LISTED_CHANGES ? `\n… and ${changes.length - LISTED_CHANGES} more` : '';
      throw new CannotCompare(
        'Two commits are compared, and these files are not as they are in the commit of this tree. Commit them, or put them ' +
          `away (git stash --include-untracked), and start again:\n${changes.slice(0, LISTED_CHANGES).join('\n')}${more}`,
      );
    }
    return await this.commit('HEAD');
  }

  /**
   * Writes all files of a commit below a directory that does not exist yet. Unlike a worktree this leaves nothing in the
   * repository, however the process ends.
   * @param index a file that does not exist yet, for git to work with
   */
  async writeFiles({ id }: Commit, directory: string, index: string): Promise<void> {
    const env = { GIT_INDEX_FILE: index };
    await this.must(['read-tree', '--no-sparse-checkout', id], env);
    await this.must(['checkout-index', '--all', `--prefix=${join(directory, '/')}`], env);
  }

  private async must(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, out, err } = await this.git(args, env);
    if (code !== 0) throw new CannotCompare(`git ${args[0]} failed: ${err.trim()}`);
    return out;
  }

  private git(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<GitEnd> {
    const inherited = Object.entries(process.env).filter(([name]) => !SET_FOR_HOOKS.has(name));
    const options = { cwd: this.root, env: { ...Object.fromEntries(inherited), LC_ALL: 'C', ...env } };
    return new Promise((resolve, reject) => {
      execFile('git', [...args], { ...options, maxBuffer: MAX_OUTPUT_BYTES }, (error, out, err) => {
        if (error?.code === 'ENOENT') {
          reject(new CannotCompare('git is needed to compare with a commit, and is not in PATH.'));
        } else {
          resolve({ code: error === null ? 0 : Number(error.code), out, err });
        }
      });
    });
  }
}
