import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const IS_TEST = /[.](?:spec|int-spec|e2e-spec)[.]ts$/;
const IMPORT = /from '(\.[^']+)\.js'/g;

const sources = globSync('{libs,apps,test/support}/**/*.ts', { cwd: ROOT }).filter(file => !IS_TEST.test(file));

/** The files of the same library that a file imports. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, path]) => `${relative(ROOT, join(ROOT, dirname(file), path!))}.ts`);
}

const isBelow = (inner: string, outer: string): boolean => inner.startsWith(`${outer}/`);

describe('the folders of the sources', () => {
  it('do not import each other, except a folder and its own sub-folders', () => {
    const imported = new Map<string, string>();
    for (const file of sources) {
      for (const target of importsOf(file)) {
        const [from, to] = [dirname(file), dirname(target)];
        if (from !== to) imported.set(`${from} -> ${to}`, `${file} imports ${target}`);
      }
    }
    const mutual = [...imported].flatMap(([arrow, example]) => {
      const [from, to] = arrow.split(' -> ') as [string, string];
      const back = imported.get(`${to} -> ${from}`);
      return back && from < to && !isBelow(from, to) && !isBelow(to, from) ? [`${example}, and ${back}`] : [];
    });
    expect(mutual, 'two folders that need each other are one, or hide a third').toEqual([]);
  });

  it('hold at most 15 files each', () => {
    const sizes = Object.entries(Object.groupBy(sources, file => dirname(file))).map(
      ([folder, files]) => [folder, files!.length] as const,
    );
    expect(sizes.filter(([, size]) => size > 15)).toEqual([]);
  });
});
