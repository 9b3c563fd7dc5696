import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { disposableDirectory } from './disposable-directory.js';

it('takes the processes that it owns with it, also one that was stopped', async () => {
  const directory = disposableDirectory();
  const owned = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  const ended = once(owned, 'exit');
  directory.owns(owned.pid!);
  owned.kill('SIGSTOP');
  await directory.remove();
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(existsSync(directory.path)).toBe(false);
});

it('removes no place that a note of a moved home names, unless the embedded PostgreSQL uses it', async () => {
  const [directory, other] = [disposableDirectory(), disposableDirectory()];
  await writeFile(join(other.path, 'kept'), 'mine');
  await writeFile(join(directory.path, 'moved-to'), `${other.path}\n/var/lib/platform-coordination/../x\n`);
  await directory.remove();
  expect(existsSync(directory.path)).toBe(false);
  expect(existsSync(join(other.path, 'kept'))).toBe(true);
  await other.remove();
});
