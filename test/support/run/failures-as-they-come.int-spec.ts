import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../nodes/command.js';
import { type DisposableDirectory, disposableDirectory } from '../disposable-directory.js';
import { ServiceProcess } from '../nodes/service-process.js';

/** Its last test ends when there is a file `go`; so whatever is printed before that is printed while it runs. */
const LASTING = `
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
describe('a group', () => {
  it('is well', () => {});
  it('is not', () => expect(1).toBe(2));
});
describe('another group', () => {
  beforeAll(() => { throw new Error('its hook failed'); });
  it('is never run', () => {});
});
it('lasts', async () => {
  while (!existsSync('go')) await delay(20);
});
`;

let directory: DisposableDirectory;
beforeAll(() => {
  directory = disposableDirectory();
});
afterAll(() => directory.remove());

it('failures are printed with their reason while other tests still run', async () => {
  await writeFile(join(directory.path, 'lasting.spec.mjs'), LASTING);
  await writeFile(join(directory.path, 'broken.spec.mjs'), `throw new Error('it cannot be loaded');`);
  await writeFile(
    join(directory.path, 'vitest.config.mjs'),
    'export default { test: { testTimeout: 0, maxWorkers: 2 } };',
  );
  const command = [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--globals'];
  const reporter = resolve(import.meta.dirname, 'failures-as-they-come.ts');
  const run = ServiceProcess.start(directory, [...command, `--root=${directory.path}`, `--reporter=${reporter}`], {
    cwd: directory.path,
  });
  await run.says(
    /FAILED .*lasting[.]spec[.]mjs > a group > is not\n {2}expected 1 to be 2.*\n(?:(?: {2}.*)?\n)* {2}at .*lasting[.]spec[.]mjs:6/,
  );
  expect(run.output, 'the difference').toMatch(/\n {2}\S*- Expected/);
  await run.says(/FAILED .*lasting[.]spec[.]mjs > another group\n {2}its hook failed/);
  await run.says(/FAILED .*broken[.]spec[.]mjs\n {2}it cannot be loaded/);
  await writeFile(join(directory.path, 'go'), '');
  expect((await run.ended).code).toBe(1);
  expect(run.output.match(/FAILED/g)).toHaveLength(3);
});
