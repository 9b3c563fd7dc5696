import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { WindowProfiles } from './window-profiles.js';

let directory: DisposableDirectory;
beforeAll(() => (directory = disposableDirectory()));
afterAll(() => directory.remove());

/** A node that notes what was asked of it, and when it was under load. */
function nodeOf() {
  const events: string[] = [];
  const node = {
    startProfile: async () => void events.push('start'),
    endProfile: async (file: string) => void events.push(file),
  };
  return { node, events, work: async () => events.push('work') };
}

it('Each window has a profile of its own, in a directory that is made for them', async () => {
  const path = join(directory.path, 'a', 'b');
  const profiles = new WindowProfiles(path);
  expect(existsSync(path)).toBe(true);
  const { node, events, work } = nodeOf();
  await profiles.around(node, { name: 'nobody', callers: 0 }, work);
  await profiles.around(node, { name: 'large', callers: 60 }, work);
  await profiles.around(node, { name: 'large', callers: 60 }, work);
  const files = ['00-nobody', '01-large-60', '02-large-60'].map(name => join(path, `${name}.cpuprofile`));
  expect(events).toEqual(files.flatMap(file => ['start', 'work', file]));
});

it('Without a directory nothing is profiled', async () => {
  const { node, events, work } = nodeOf();
  await new WindowProfiles(undefined).around(node, { name: 'large', callers: 60 }, work);
  expect(events).toEqual(['work']);
});
