import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const IS_TEST = /[.](?:spec|int-spec|e2e-spec)[.]ts$/;
const IMPORT = /from '(\.[^']+)\.js'/g;
const IMPORT_OF_LIBRARY = /import \{([^}]*)\} from '@coordination\/([a-z-]+)'/g;
const EXPORT_OF_LIBRARY = /export \{([^}]*)\} from '(\.[^']+)\.js'/g;

const sources = globSync('{libs,apps,test/support}/**/*.ts', { cwd: ROOT }).filter(file => !IS_TEST.test(file));

/** The files of the same library that a file imports. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, path]) => `${relative(ROOT, join(ROOT, dirname(file), path!))}.ts`);
}

const namesIn = (list: string): string[] => list.split(',').map(name => name.replace(/^\s*type /, '').trim());

/** Each name that a library exports through its door, with the file that it comes from. */
function doorOf(library: string): Map<string, string> {
  const folder = `libs/${library}/src`;
  const text = readFileSync(join(ROOT, folder, 'index.ts'), 'utf8');
  return new Map(
    [...text.matchAll(EXPORT_OF_LIBRARY)].flatMap(([, names, path]) =>
      namesIn(names!).map(name => [name, `${join(folder, path!)}.ts`] as const),
    ),
  );
}

/** The files of other libraries from which a file imports something through their doors. */
function importedThroughDoors(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT_OF_LIBRARY)].flatMap(([, names, library]) => {
    const door = doorOf(library!);
    return namesIn(names!).flatMap(name => door.get(name) ?? []);
  });
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

/**
 * The files that a registration of a new instance passes, from its controller to the SQL statement, in their order. What only
 * computes a value for one of them (rules of the domain, schemas, limits, metrics) is not listed.
 */
const WALK_OF_A_REGISTRATION = [
  'libs/registry/src/api/registrations.controller.ts',
  'libs/registry/src/requests/registration.ts',
  'libs/registry/src/registry.service.ts',
  'libs/registry/src/leases/unchanged-registrations.ts',
  'libs/registry/src/write/catalog-writer.ts',
  'libs/registry/src/write/queue/write-queue.ts',
  'libs/registry/src/write/optimistic/optimistic-append.ts',
  'libs/registry/src/write/optimistic/cached-catalog.ts',
  'libs/catalog/src/epochs/history-check.ts',
  'libs/catalog/src/view/local-catalog.ts',
  'libs/catalog/src/view/catalog-view.ts',
  'libs/registry/src/write/plan-batch.ts',
  'libs/registry/src/domain/decide.ts',
  'libs/log/src/events/hash-chain.ts',
  'libs/registry/src/write/optimistic/optimistic-append.repository.ts',
  'libs/registry/src/store/service-instance.repository.ts',
  'libs/log/src/events/service-event.repository.ts',
  'libs/database/src/reading/silence-timeout.ts',
  'libs/database/src/connections/databases.ts',
  'libs/database/src/reading/query.ts',
];

describe('the walk of a registration', () => {
  const imports = new Map(
    WALK_OF_A_REGISTRATION.map(file => [file, new Set([...importsOf(file), ...importedThroughDoors(file)])]),
  );

  it('passes at most 20 files, of which at most 12 are in the registry', () => {
    expect(WALK_OF_A_REGISTRATION.length).toBeLessThanOrEqual(20);
    expect(WALK_OF_A_REGISTRATION.filter(file => isBelow(file, 'libs/registry')).length).toBeLessThanOrEqual(12);
  });

  it('comes to each file from one before it, and never back to one before', () => {
    for (const [n, file] of WALK_OF_A_REGISTRATION.entries()) {
      const before = WALK_OF_A_REGISTRATION.slice(0, n);
      const isReached = n === 0 || before.some(earlier => imports.get(earlier)!.has(file));
      expect(isReached, `${file} is imported by none of the files before it`).toBe(true);
      expect(
        before.filter(earlier => imports.get(file)!.has(earlier)),
        `${file} imports files before it`,
      ).toEqual([]);
    }
  });
});
