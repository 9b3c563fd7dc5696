import { cpSync } from 'node:fs';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../test/support/nodes/command.js';
import { type DisposableDirectory, disposableDirectory } from '../test/support/disposable-directory.js';
import { ServiceProcess } from '../test/support/nodes/service-process.js';

let directory: DisposableDirectory;
let checkout: string;

beforeEach(async () => {
  directory = disposableDirectory();
  checkout = join(directory.path, 'checkout');
  await mkdir(join(checkout, 'bin'), { recursive: true });
  cpSync(join(ROOT, 'scripts'), join(checkout, 'scripts'), { recursive: true });
  cpSync(join(ROOT, 'package-lock.json'), join(checkout, 'package-lock.json'));
});
afterEach(() => directory.remove());

/** Runs the script where `npm` is this shell script. */
async function install(npm: string): Promise<ServiceProcess> {
  await writeFile(join(checkout, 'bin/npm'), `#!/bin/sh\n${npm}`, { mode: 0o755 });
  return ServiceProcess.start(directory, [process.execPath, 'scripts/install.mjs'], {
    cwd: checkout,
    env: { PATH: `${join(checkout, 'bin')}:${process.env['PATH']}` },
  });
}

describe('Installing the dependencies', () => {
  it('says what it does, and how far it is, while npm says nothing', async () => {
    const installing = await install(`
      mkdir -p node_modules/@scope/one node_modules/two node_modules/.bin
      while [ ! -e go ]; do sleep 0.1; done
      touch node_modules/.package-lock.json; echo "$@" > asked`);
    await installing.says(/^Installing dependencies[.] .*on a slow machine/);
    await installing.says(/Installing dependencies: \d+ s, 2 of at most \d{3,} packages/);
    await writeFile(join(checkout, 'go'), '');
    expect(await installing.ended).toEqual({ code: 0, signal: null });
    expect(installing.output).toMatch(/Dependencies are installed, after \d+ s[.]\n$/);
    expect(await readFile(join(checkout, 'asked'), 'utf8')).toContain('--include=dev');
    const again = await install('echo it was called');
    expect(await again.ended).toEqual({ code: 0, signal: null });
    expect(again.output, 'nothing is to be done').toBe('');
    const later = new Date(Date.now() + 60_000);
    await utimes(join(checkout, 'package-lock.json'), later, later);
    const outdated = await install('touch node_modules/.package-lock.json');
    await outdated.says(/Dependencies are installed/);
  });

  it('fails with a word about what to do', async () => {
    const failing = await install('echo ECONNREFUSED; exit 7');
    expect(await failing.ended).toEqual({ code: 7, signal: null });
    expect(failing.output).toMatch(/ECONNREFUSED\nnpm install failed; .*registry/);
  });
});
