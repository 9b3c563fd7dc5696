import { type BenchCase } from '../bench-case.js';
import { DISCOVER, DISCOVER_304, STRONG_READ } from './discover.js';
import { HEARTBEAT, REGISTER_AGAIN } from './liveness.js';
import { LIST_3000, LIST_3000_GZIP } from './list-3000.js';
import { LOG } from './log.js';
import { MIXED } from './mixed.js';
import { NODES } from './nodes.js';
import { REGISTER_200, REGISTER_50, REGISTER_BATCH } from './register.js';
import { SCALE } from './scale.js';
import { WATCH } from './watch.js';

/** All cases, in the order in which they are run. */
export const CASES: readonly BenchCase[] = [
  REGISTER_50,
  REGISTER_200,
  REGISTER_BATCH,
  REGISTER_AGAIN,
  HEARTBEAT,
  DISCOVER,
  DISCOVER_304,
  STRONG_READ,
  LIST_3000,
  LIST_3000_GZIP,
  MIXED,
  WATCH,
  ...NODES,
];

/** Cases that fill a database first and take minutes: they run when they are named, or their family is. */
export const GROWING_CASES: readonly BenchCase[] = [...SCALE, ...LOG];
