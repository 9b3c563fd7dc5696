import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { CannotCompare } from './cannot-compare.js';
import { Repository } from './git.js';
import { linkTree } from './link-tree.js';
import { aRepository, type TestRepository } from './test-repository.js';

let directory: DisposableDirectory;
let repository: TestRepository;
let root: string;

beforeEach(async () => {
  directory = disposableDirectory();
  repository = await aRepository(join(directory.path, 'repository'));
  root = repository.root;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await directory.remove();
});

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: unknown) => {
      if (error instanceof CannotCompare) return error.message;
      throw error;
    },
  );

describe('a commit to compare with', () => {
  it('is found by its hash, the beginning of it, a branch, a tag or where it is', async () => {
    const first = await repository.commit({ a: '1' }, 'feat: one');
    await repository.commit({ a: '2' }, 'feat: two');
    repository.git('tag', '--annotate', '--message', 'a tag', 'v1', first);
    repository.git('branch', 'old', first);
    const opened = await Repository.open(root);
    const found = await Promise.all(
      [first, first.slice(0, 8), 'v1', 'old', 'HEAD~1', 'HEAD^', 'main@{1}'].map(name => opened.commit(name)),
    );
    expect([...new Set(found.map(({ id }) => id))]).toEqual([first]);
    expect(found[0]!.title).toBe(`${repository.git('rev-parse', '--short', first)} feat: one`);
  });

  it.each([
    'deadbeef',
    'f'.repeat(40),
    '',
    '-',
    '--all',
    '--git-dir',
    'no-such-branch',
    'HEAD:a',
    'HEAD..HEAD',
    'HEAD~9',
    'a',
    '$(id)',
  ])('is not %j, which is told by its name', async name => {
    await repository.commit({ a: '1' }, 'feat: one');
    const opened = await Repository.open(root);
    expect(await refusal(opened.commit(name))).toContain(`There is no commit ${JSON.stringify(name)} here. `);
  });

  it('is asked to be fetched where the clone has the newest only', async () => {
    const first = await repository.commit({ a: '1' }, 'feat: one');
    await repository.commit({ a: '2' }, 'feat: two');
    const clone = join(directory.path, 'clone');
    repository.gitIn(directory.path, 'clone', '--depth', '1', `file://${root}`, clone);
    const opened = await Repository.open(clone);
    expect(await refusal(opened.commit(first))).toContain('git fetch --unshallow');
    expect((await opened.cleanHead()).title).toContain('feat: two');
  });
});

describe('the commit of the tree', () => {
  it('is its own only while no file is changed, added, removed or staged', async () => {
    const first = await repository.commit({ a: '1', '.gitignore': 'node_modules\n' }, 'feat: one');
    const opened = await Repository.open(root);
    await mkdir(join(root, 'node_modules'));
    await writeFile(join(root, 'node_modules/ignored'), '');
    expect((await opened.cleanHead()).id).toBe(first);
    await writeFile(join(root, 'a'), '2');
    expect(await refusal(opened.cleanHead())).toMatch(/not as they are in the commit[^]*git stash[^]*\n M a$/);
    repository.git('add', 'a');
    expect(await refusal(opened.cleanHead())).toContain('\nM  a');
    repository.git('reset', '--hard');
    await writeFile(join(root, 'new'), '');
    repository.git('config', 'status.showUntrackedFiles', 'no');
    expect(await refusal(opened.cleanHead()), 'whatever git is set to show').toContain('\n?? new');
    await rename(join(root, 'new'), join(root, 'node_modules/new'));
    await rename(join(root, 'a'), join(root, 'node_modules/a'));
    expect(await refusal(opened.cleanHead())).toContain('\n D a');
  });

  it('is told with ten of the files that are changed, and how many more', async () => {
    await repository.commit({ a: '1' }, 'feat: one');
    for (let n = 0; n < 12; n++) await writeFile(join(root, `new-${n}`), '');
    const text = await refusal((await Repository.open(root)).cleanHead());
    expect(text.match(/^[?][?] new-/gm)).toHaveLength(10);
    expect(text).toMatch(/and 2 more$/);
  });
});

describe('the repository', () => {
  it('is none where there is no git', async () => {
    vi.stubEnv('PATH', join(directory.path, 'empty'));
    expect(await refusal(Repository.open(root))).toMatch(/git is needed.*PATH/);
  });

  it('is none where the files came without one, or lie in that of something else', async () => {
    vi.stubEnv('GIT_CEILING_DIRECTORIES', directory.path);
    const bare = join(directory.path, 'bare');
    await mkdir(bare);
    expect(await refusal(Repository.open(bare))).toMatch(/not a checkout of git.*not a git repository/);
    await repository.commit({ 'inner/a': '1' }, 'feat: one');
    expect(await refusal(Repository.open(join(root, 'inner')))).toContain(`it lies in that of ${root}`);
  });

  it('is the one of the directory by whatever way it is reached, and whatever git tells its hooks', async () => {
    const first = await repository.commit({ a: '1' }, 'feat: one');
    const other = join(directory.path, 'other');
    await mkdir(other);
    repository.gitIn(other, 'init');
    const linked = join(directory.path, 'linked');
    await symlink(root, linked);
    vi.stubEnv('GIT_DIR', join(other, '.git'));
    vi.stubEnv('GIT_INDEX_FILE', join(other, '.git/index'));
    vi.stubEnv('GIT_WORK_TREE', other);
    expect((await (await Repository.open(linked)).cleanHead()).id).toBe(first);
  });

  it('gives the files of a commit, as they were, and is left as it was', async () => {
    const first = await repository.commit({ 'a/b/c': 'one\n', 'run.sh': '#!/bin/sh\n', 'moved/x': 'x' }, 'feat: one');
    await chmod(join(root, 'run.sh'), 0o755);
    const second = await repository.commit({ 'a/b/c': 'two\n', 'a/ä "ö"\n.txt': 'name' }, 'feat: two');
    await rename(join(root, 'moved'), join(root, 'elsewhere'));
    await repository.commit({}, 'feat: three');
    // A hook, a sparse checkout and a worktree of its own change nothing of it.
    await writeFile(join(root, '.git/hooks/post-checkout'), '#!/bin/sh\ntouch hooked\n', { mode: 0o755 });
    const worktree = join(directory.path, 'worktree');
    repository.git('worktree', 'add', worktree);
    repository.gitIn(worktree, 'sparse-checkout', 'set', 'a');
    const state = async (at: string) => [
      repository.gitIn(at, 'status', '--porcelain', '--ignored'),
      repository.gitIn(at, 'worktree', 'list'),
      repository.gitIn(at, 'for-each-ref'),
      repository.gitIn(at, 'ls-files', '--stage'),
      await readFile(join(root, '.git/HEAD'), 'utf8'),
      await readdir(join(root, '.git/worktrees')),
    ];
    for (const at of [root, worktree]) {
      const before = await state(at);
      const opened = await Repository.open(at);
      const [one, two] = ['one', 'two'].map(name =>
        join(directory.path, `${at === root ? 'root' : 'worktree'}-${name}`),
      );
      await opened.writeFiles(await opened.commit(first), one!, `${one}.index`);
      await opened.writeFiles(await opened.commit(second), two!, `${two}.index`);
      expect(await readFile(join(one!, 'a/b/c'), 'utf8')).toBe('one\n');
      expect(await readFile(join(two!, 'a/b/c'), 'utf8')).toBe('two\n');
      expect(await readFile(join(two!, 'a/ä "ö"\n.txt'), 'utf8')).toBe('name');
      expect((await stat(join(two!, 'run.sh'))).mode & 0o111).toBe(0o111);
      expect((await readdir(two!)).sort()).toEqual(['a', 'moved', 'run.sh']);
      expect(await state(at)).toEqual(before);
    }
  });
});

describe('a tree of links', () => {
  it('has the same files, its own folders, and nothing that is left out', async () => {
    const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
    await mkdir(join(from, 'package/.cache'), { recursive: true });
    await mkdir(join(from, '.cache'));
    await writeFile(join(from, '.cache/large'), '');
    await writeFile(join(from, 'package/index.js'), 'text');
    await mkdir(join(from, '.bin'));
    await symlink('../package/index.js', join(from, '.bin/run'));
    await symlink('nowhere', join(from, 'dangling'));
    await linkTree(from, to, ['.cache']);
    expect((await readdir(to)).sort()).toEqual(['.bin', 'dangling', 'package']);
    expect(await readFile(join(to, '.bin/run'), 'utf8')).toBe('text');
    expect((await stat(join(to, 'package/index.js'))).ino).toBe((await stat(join(from, 'package/index.js'))).ino);
    expect(existsSync(join(to, 'package/.cache')), 'only at the top').toBe(true);
    await writeFile(join(to, 'package/new.js'), '');
    expect(existsSync(join(from, 'package/new.js'))).toBe(false);
  });
});
