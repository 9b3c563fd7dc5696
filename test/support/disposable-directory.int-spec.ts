import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
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
