import { type LockedHead } from '@coordination/log';
import { NOW } from './factories.js';

/** The head of a log that has some revisions, as a writer reads it before it plans a batch. */
export const LOCKED_HEAD: LockedHead = {
  revision: 10,
  hash: 'a'.repeat(64),
  epoch: '01890000-0000-7000-8000-00000000000e',
  at: NOW,
  now: NOW,
  clock: NOW,
  fence: 3,
};
