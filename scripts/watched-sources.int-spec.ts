import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../test/support/disposable-directory.js';
import { waitFor } from '../test/support/time/wait-for.js';
import { WatchedSources } from './watched-sources.mjs';

let directory: DisposableDirectory;
let file: string;
let told: number;
let sources: WatchedSources;

beforeEach(async () => {
  directory = disposableDirectory();
  file = join(directory.path, 'libs/registry/source.ts');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, 'export const a = 1;\n');
  told = 0;
  sources = await WatchedSources.open(() => (told += 1), [directory.path]);
});
afterEach(async () => {
  await sources.close();
  await directory.remove();
});

/** Does something, and waits until it is told. */
async function isTold(what: string, work: () => Promise<unknown>): Promise<void> {
  const before = told;
  await work();
  await waitFor(`${what} is told`, () => told > before);
}

async function replaced(text: string): Promise<void> {
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}

async function replacedByBackup(text: string): Promise<void> {
  await rename(file, `${file}~`);
  await writeFile(file, text);
  await rm(`${file}~`);
}

it('tells of each change, in whatever way editors and commands make it', async () => {
  for (let n = 0; n < 2; n++) {
    await isTold('a longer file', () => appendFile(file, '\n'));
    await isTold('a file in the place of another', () => replaced(`export const a = ${n};\n`));
    await isTold('a file whose old one is kept', () => replacedByBackup(`export const b = ${n};\n`));
    await isTold('a removed file', () => rm(file));
    await isTold('a new file', () => writeFile(file, ''));
    await isTold('a removed directory', () => rm(dirname(file), { recursive: true }));
    await isTold('a new directory', async () => {
      await mkdir(join(dirname(file), 'deep'), { recursive: true });
      await writeFile(file, '');
      await writeFile(join(dirname(file), 'deep/other.ts'), '');
    });
    await isTold('a file in a new directory', () => appendFile(join(dirname(file), 'deep/other.ts'), '\n'));
  }
});

it('does not tell of tests, nor of files that editors make for themselves', async () => {
  for (const name of ['source.spec.ts', 'source.int-spec.ts', 'source.e2e-spec.ts', '.source.ts.swp', '4913']) {
    await writeFile(join(dirname(file), name), 'x');
  }
  await isTold('a source', () => appendFile(file, '\n'));
  expect(told, 'it comes last, so the others would have been told').toBe(1);
});

it('finds fault with what is no TypeScript, until that is mended', async () => {
  await isTold('a fault', () => writeFile(file, 'const a = ;\n'));
  expect(sources.faults()).toEqual([
    expect.stringMatching(/source[.]ts[(]1,11[)]: error TS1109: Expression expected[.]$/),
  ]);
  const other = join(dirname(file), 'other.ts');
  await isTold('another file', () => writeFile(other, 'export const b = 1;\n'));
  expect(sources.faults(), 'it is still there').toHaveLength(1);
  await isTold('the mended file', () => writeFile(file, 'const a = 1;\n'));
  expect(sources.faults()).toEqual([]);
  await isTold('a removed file', () => rm(other));
  expect(sources.faults()).toEqual([]);
});
