import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The way of a registration, in the order in which it is gone. */
const WAY = [
  'libs/registry/src/registrations.controller.ts',
  'libs/registry/src/registry.service.ts',
  'libs/registry/src/write/catalog-writer.ts',
  'libs/registry/src/write/plan-batch.ts',
  'libs/registry/src/service-instance.repository.ts',
];

const IMPORT = /from '(\.[^']+)\.js'/g;

async function importsOf(file: string): Promise<string[]> {
  const source = await readFile(file, 'utf8');
  return [...source.matchAll(IMPORT)].map(([, path]) => `${join(dirname(file), path ?? '')}.ts`);
}

describe('the way of a registration from its controller to its commit', () => {
  it('is five files at most, each named by one before it', async () => {
    expect(WAY.length).toBeLessThanOrEqual(5);
    for (const [n, file] of WAY.entries()) {
      if (n === 0) continue;
      const before = await Promise.all(WAY.slice(0, n).map(importsOf));
      expect(before.flat(), `${file} is reached from the files before it`).toContain(file);
    }
  });

  it('begins at the route, passes the transaction and ends at the statement', async () => {
    const sources = await Promise.all(WAY.map(file => readFile(file, 'utf8')));
    const first = (text: string) => sources.findIndex(source => source.includes(text));
    expect(first("@Post('instances')")).toBe(0);
    expect(first('.transactional(')).toBe(2);
    expect(first('decide(')).toBe(3);
    expect(first('insert into service_instance')).toBe(4);
  });

  it('goes in one direction: no file of it names one before it', async () => {
    for (const [n, file] of WAY.entries()) {
      const backwards = (await importsOf(file)).filter(imported => WAY.slice(0, n).includes(imported));
      expect(backwards, `${file} looks back`).toEqual([]);
    }
  });
});
