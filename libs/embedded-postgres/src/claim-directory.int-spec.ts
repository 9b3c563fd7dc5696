import { execFile } from 'node:child_process';
import { chmodSync, chownSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../../test/support/disposable-directory.js';
import { canEnter } from './account.js';
import { claimDirectory, MARKER } from './claim-directory.js';

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;
const PASSWORD = 'a1'.repeat(24);
const HOLDER = resolve(import.meta.dirname, '../../../test/support/database/hold-postgres.mjs');
const OTHERS_CAN_READ = IS_ROOT && (await canEnter({ uid: NOBODY, gid: NOBODY }, import.meta.dirname));

let directory: DisposableDirectory;
let path: string;

beforeEach(() => {
  directory = disposableDirectory();
  path = join(directory.path, 'home');
});
afterEach(() => directory.remove());

const modeOf = async (file: string) => ((await stat(file)).mode & 0o7777).toString(8);

/** All that a refusal must leave as it is. */
async function stateOf(file: string) {
  const { mode, uid, gid, mtimeMs, ctimeMs } = await lstat(file);
  const entries = await readdir(file).catch(() => undefined);
  return { mode, uid, gid, mtimeMs, ctimeMs, entries: entries?.sort() };
}

async function expectRefusal(asked: string, why: RegExp | string, looked = asked) {
  const before = await stateOf(looked);
  await expect(claimDirectory(asked)).rejects.toThrow(why);
  await expect(claimDirectory(asked)).rejects.toThrow(/PCS_EMBEDDED_POSTGRES_DIR/);
  expect(await stateOf(looked)).toEqual(before);
}

/** Makes files by their names: a name that ends with `/` is a directory. */
async function fill(content: Readonly<Record<string, string>>) {
  await mkdir(path, { recursive: true });
  for (const [name, text] of Object.entries(content)) {
    if (name.endsWith('/')) await mkdir(join(path, name));
    else await writeFile(join(path, name), text);
  }
}

describe('claimDirectory takes', () => {
  it('one that is absent, with its parents, and makes it private', async () => {
    const asked = join(path, 'deep', 'er');
    expect(await claimDirectory(asked)).toBe(asked);
    expect(await modeOf(asked)).toBe('700');
    expect(await readdir(asked)).toEqual([MARKER]);
    expect(await readFile(join(asked, MARKER), 'utf8')).toContain('Platform Coordination Service');
  });

  it.each([
    ['nothing', {}],
    ['what a new volume has', { 'lost+found/': '' }],
    ['what keeps it in version control', { '.gitkeep': '' }],
    ['what keeps its content out of version control', { '.gitignore': '*\n' }],
  ])('one that has %s', async (_what, content) => {
    await fill(content);
    await claimDirectory(path);
    expect(await modeOf(path)).toBe('700');
    expect(await readdir(path)).toContain(MARKER);
  });

  it('one that it took before, whatever was put there since', async () => {
    await claimDirectory(path);
    await fill({ 'notes.txt': 'mine' });
    await claimDirectory(path);
    expect(await readFile(join(path, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('the target of a symbolic link, and tells its real path', async () => {
    await mkdir(path);
    const link = join(directory.path, 'link');
    await symlink(path, link);
    expect(await claimDirectory(link)).toBe(path);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });

  it('one for all who ask at the same moment', async () => {
    await mkdir(path);
    const all = Array.from({ length: 20 }, () => claimDirectory(path));
    expect(new Set(await Promise.all(all))).toEqual(new Set([path]));
  });

  it.each([
    ['a whole home', { lock: '', password: PASSWORD, 'data/': '', 'server.log': 'x', 'shares/': '' }],
    ['one in the middle of its first start', { lock: '', 'lock-journal': '', password: PASSWORD, 'data.new/': '' }],
    ['one that lives elsewhere', { lock: '', 'moved-to': '/var/lib/platform-coordination/0123456789abcdef\n' }],
    ['one that was ended at once', { lock: '' }],
  ])('what releases without a marker made: %s', async (_what, content) => {
    await fill(content);
    chmodSync(path, 0o700);
    await claimDirectory(path);
    expect(await readdir(path)).toContain(MARKER);
  });

  it.runIf(IS_ROOT)('an empty one of another user, and leaves it to that user', async () => {
    await mkdir(path);
    chownSync(path, NOBODY, NOBODY);
    await claimDirectory(path);
    expect(await stat(path)).toMatchObject({ uid: NOBODY, gid: NOBODY });
  });
});

describe('claimDirectory refuses, and leaves as it is,', () => {
  it.each([
    ['a file', { 'notes.txt': 'mine' }, 'notes.txt'],
    ['a hidden file', { '.profile': 'mine' }, '.profile'],
    ['a directory', { 'photos/': '' }, 'photos'],
    ['many files', { a: '', b: '', c: '', d: '' }, 'a, b, c, …'],
    ['the data of another PostgreSQL', { PG_VERSION: '16\n', 'base/': '' }, 'PG_VERSION, base'],
    ['a directory with the name of the marker', { [`${MARKER}/`]: '' }, MARKER],
    ['a directory with the name of a placeholder', { '.gitkeep/': '' }, '.gitkeep'],
    ['a password of another kind', { password: 'secret', 'data/': '' }, 'data, password'],
    ['data without a password', { lock: '', 'data/': '' }, 'data, lock'],
    ['a note that leads somewhere else', { lock: '', 'moved-to': '/nowhere/at/all\n' }, 'lock, moved-to'],
    ['a lock with content', { lock: '4711\n' }, 'lock'],
    ['a home with something else in it', { lock: '', password: PASSWORD, 'notes.txt': 'mine' }, 'notes.txt'],
  ])('one with %s', async (_what, content, named) => {
    await fill(content);
    chmodSync(path, 0o700);
    await expectRefusal(path, `it has content that is not its own (${named})`);
    chmodSync(path, 0o755);
    await expectRefusal(path, `it has content that is not its own (${named})`);
  });

  it('the working directory, where it has content', async () => {
    await fill({ 'package.json': '{}', 'src/': '' });
    const before = await stateOf(path);
    const started = promisify(execFile)(process.execPath, [HOLDER, '.'], { cwd: path });
    await expect(started).rejects.toThrow(`Cannot use ${path} for the embedded PostgreSQL`);
    expect(await stateOf(path)).toEqual(before);
  });

  it('one that all users share', async () => {
    await mkdir(path);
    chmodSync(path, 0o1777);
    await expectRefusal(path, 'all users share it');
  });

  it('a symbolic link to one that is not empty, to nothing, to itself; and a marker that is one', async () => {
    await fill({ 'notes.txt': 'mine' });
    const link = join(directory.path, 'link');
    await symlink(path, link);
    await expectRefusal(link, 'notes.txt', path);
    await symlink(join(directory.path, 'nothing'), join(directory.path, 'dangling'));
    await expectRefusal(join(directory.path, 'dangling'), 'does not exist', directory.path);
    await symlink('circle', join(directory.path, 'circle'));
    await expectRefusal(join(directory.path, 'circle'), 'lead in a circle', directory.path);
    await symlink('notes.txt', join(path, MARKER));
    await expectRefusal(path, MARKER);
  });

  it('a file, and what would be below one', async () => {
    await writeFile(path, 'mine');
    await expectRefusal(path, 'it is not a directory');
    await expectRefusal(join(path, 'home'), 'a part of its path is not a directory', path);
    expect(await readFile(path, 'utf8')).toBe('mine');
  });

  it.runIf(OTHERS_CAN_READ)('one that belongs to another user', async () => {
    await mkdir(path);
    const before = await stateOf(path);
    const started = promisify(execFile)(process.execPath, [HOLDER, path], { uid: NOBODY, gid: NOBODY });
    await expect(started).rejects.toThrow(/it belongs to another user \(0\)/);
    expect(await stateOf(path)).toEqual(before);
  });
});
