import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { CannotCompare } from './cannot-compare.js';
import { CommitBuild } from './commit-build.js';
import { aRepository, type TestRepository } from './test-repository.js';

/** A build that makes what the bench starts, and tells in which directory and by which module it was made. */
const BUILD = `
  import { mkdirSync, writeFileSync } from 'node:fs';
  import { createRequire } from 'node:module';
  mkdirSync('dist/apps/coordination/src', { recursive: true });
  let tool = 'none';
  try { tool = createRequire(process.cwd() + '/')('tool'); } catch {}
  writeFileSync('dist/apps/coordination/src/main.js', JSON.stringify({ cwd: process.cwd(), tool }));
`;
const MIGRATE = `
  import { writeFileSync } from 'node:fs';
  const known = name => name.startsWith('DATABASE') || name.startsWith('PG');
  writeFileSync('migrated', JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([name]) => known(name)))));
`;
const PACKAGE = {
  name: 'service',
  version: '1.0.0',
  type: 'module',
  scripts: { build: 'node build.mjs', migrate: 'node migrate.mjs' },
};
const LOCK = {
  name: 'service',
  version: '1.0.0',
  lockfileVersion: 3,
  packages: { '': { name: 'service', version: '1.0.0' } },
};
const FILES = {
  '.gitignore': 'node_modules\ndist\n',
  'package.json': JSON.stringify(PACKAGE),
  'package-lock.json': JSON.stringify(LOCK),
  'build.mjs': BUILD,
  'migrate.mjs': MIGRATE,
};
const MAIN = 'dist/apps/coordination/src/main.js';

let directory: DisposableDirectory;
let repository: TestRepository;
let said: string[];

beforeEach(async () => {
  directory = disposableDirectory();
  repository = await aRepository(join(directory.path, 'repository'));
  said = [];
  await mkdir(join(repository.root, 'node_modules/tool'), { recursive: true });
  await writeFile(join(repository.root, 'node_modules/tool/index.js'), `module.exports = 'the tool of this tree';`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await directory.remove();
});

async function make(files: Readonly<Record<string, string>> = FILES): Promise<CommitBuild> {
  await repository.commit(files, 'feat: one');
  const opened = await repository.open();
  const source = { repository: opened, root: repository.root, say: (line: string) => void said.push(line) };
  return await CommitBuild.make(source, await opened.commit('HEAD'), join(directory.path, 'build'));
}

const made = async ({ checkout }: CommitBuild): Promise<{ readonly cwd: string; readonly tool: string }> =>
  JSON.parse(await readFile(join(checkout, MAIN), 'utf8')) as { cwd: string; tool: string };

const refusal = async (files: Readonly<Record<string, string>>): Promise<string> => {
  try {
    await make(files);
    return 'nothing was refused';
  } catch (error) {
    if (error instanceof CannotCompare) return error.message;
    throw error;
  }
};

describe('the build of a commit', () => {
  it('is made in a directory of its own, with the same dependencies where they are asked for alike', async () => {
    vi.stubEnv('npm_config_local_prefix', repository.root);
    vi.stubEnv('INIT_CWD', repository.root);
    const build = await make();
    expect(await made(build)).toEqual({ cwd: build.checkout, tool: 'the tool of this tree' });
    const [ours, theirs] = [repository.root, build.checkout].map(root => join(root, 'node_modules/tool/index.js'));
    expect((await stat(ours!)).ino, 'linked, not copied').toBe((await stat(theirs!)).ino);
    expect(existsSync(join(repository.root, 'dist')), 'nothing is built in the tree').toBe(false);
    expect(said).toEqual([expect.stringMatching(/^Building \w+ feat: one$/)]);
  });

  it('has dependencies of its own where it asks for others', async () => {
    await repository.commit(FILES, 'feat: before');
    const others = { ...FILES, 'package-lock.json': JSON.stringify(LOCK, null, 2) };
    await repository.commit(others, 'feat: other dependencies');
    const opened = await repository.open();
    const source = { repository: opened, root: repository.root, say: (line: string) => void said.push(line) };
    const build = await CommitBuild.make(source, await opened.commit('HEAD~1'), join(directory.path, 'build'));
    expect((await made(build)).tool).toBe('none');
    expect(said[1]).toContain('installing its dependencies');
    expect(existsSync(join(repository.root, 'node_modules/tool/index.js')), 'this tree keeps its own').toBe(true);
  });

  it('makes the tables in the database that it is given, whatever other databases the environment names', async () => {
    vi.stubEnv('DATABASE_URL', 'postgres://production/');
    vi.stubEnv('DATABASE_MIGRATION_URL', 'postgres://owner@production/');
    vi.stubEnv('DATABASE_APP_ROLE', 'app');
    vi.stubEnv('PGHOST', 'production');
    const build = await make();
    await build.migrate('postgres://bench/one');
    const seen = await readFile(join(build.checkout, 'migrated'), 'utf8');
    expect(JSON.parse(seen)).toEqual({ DATABASE_URL: 'postgres://bench/one' });
  });

  it('is none where the build fails, which is told with what it printed', async () => {
    const text = await refusal({ ...FILES, 'build.mjs': `console.error('TS2345: no such type'); process.exit(3);` });
    expect(text).toMatch(/TS2345: no such type[^]*npm run build failed for \w+ feat: one [(]code 3[)][.]$/);
  });

  it('is none where there is no build, no lock, or something else is built', async () => {
    expect(await refusal({ 'README.md': '' })).toMatch(/^\w+ feat: one has no package-lock.json/);
    await directory.remove();
    directory = disposableDirectory();
    repository = await aRepository(join(directory.path, 'repository'));
    expect(await refusal({ ...FILES, 'build.mjs': '' })).toContain(`feat: one has no ${MAIN}`);
  });

  it('tells when the migrations fail', async () => {
    const build = await make({ ...FILES, 'migrate.mjs': `throw new Error('the schema is from the future')` });
    await expect(build.migrate('postgres://bench/one')).rejects.toThrow(/from the future[^]*npm run migrate failed/);
  });
});
