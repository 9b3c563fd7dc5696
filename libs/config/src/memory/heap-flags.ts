import { availableParallelism } from 'node:os';
import { defaultBudgetMb, MAX_BUDGET_MB, MIB, MIN_BUDGET_MB, thisMachine } from './memory-budget.js';
import { sharesOf } from './memory-shares.js';

/** Flags of V8 that set a limit of the heap, and of its young generation. V8 accepts underscores, too. */
const LIMIT_FLAG = /^--max[-_](?:old[-_]space|heap)[-_]size(?:[-_]percentage)?(?:=|$)/;
const YOUNG_FLAG = /^--max[-_]semi[-_]space[-_]size(?:=|$)/;

/** The young generation of V8 has three semi-spaces. */
const SEMI_SPACES = 3;

/**
 * How much (percent) the heap grows beyond its live objects before V8 marks them again. With a limit of 2 GiB or more it would
 * be up to 300: most of the heap is garbage then, and V8, which plans by the size of the heap, lets the main thread mark in steps
 * of 5 ms at every 64 KiB that are allocated, up to 240 ms within 310.
 */
const HEAP_GROWING_PERCENT = 50;

/** The threads that Node.js starts for V8. */
const V8_THREADS = 4;

/** What decides on the limit of the heap of a process. */
export interface HeapSources {
  /** The text of PCS_MEMORY_BUDGET_MB. */
  readonly budget?: string | undefined;
  /** The options that Node.js was started with. */
  readonly execArgv: readonly string[];
  /** The text of NODE_OPTIONS. */
  readonly nodeOptions?: string | undefined;
  /** The number of cores that the process may use; by default that of this machine. */
  readonly cores?: number;
}

/** The flags by which V8 has a limit of the heap (bytes) for both generations together. */
export function heapFlags(limit: number): string[] {
  const limitMb = Math.floor(limit / MIB);
  const semiSpaceMb = limitMb >= 512 ? 16 : limitMb >= 256 ? 8 : 4;
  return [`--max-old-space-size=${limitMb - SEMI_SPACES * semiSpaceMb}`, `--max-semi-space-size=${semiSpaceMb}`];
}

/**
 * The flags by which V8 collects garbage in steps that delay requests little. As many threads mark as there are cores: more of
 * them would take the time of the main thread.
 */
export const collectionFlags = (cores: number): string[] => [
  `--heap-growing-percent=${HEAP_GROWING_PERCENT}`,
  `--concurrent-marking-max-worker-num=${Math.min(cores, V8_THREADS)}`,
];

/**
 * The options with which Node.js has to be started for its heap to fit into the budget, and for garbage to be collected in
 * short steps; undefined if it already was. A limit that the operator has set holds where no budget is set, and so do their
 * flags for collection. V8 reads most of these flags only when it starts.
 */
export function execArgvForBudget(sources: HeapSources): string[] | undefined {
  const { budget, execArgv, nodeOptions = '', cores = availableParallelism() } = sources;
  const budgetMb = validBudget(budget);
  const hasOwnLimit = [...execArgv, ...nodeOptions.split(/\s+/)].some(option => LIMIT_FLAG.test(option));
  const keepsOwnLimit = budgetMb === undefined && hasOwnLimit;
  const limits = keepsOwnLimit ? [] : heapFlags(sharesOf(budgetMb ?? defaultBudgetMb(thisMachine())).heapLimit);
  const flags = [...limits, ...collectionFlags(cores).filter(flag => !isSet(flag, execArgv))];
  if (flags.every(flag => execArgv.includes(flag))) return undefined;
  const isReplaced = (option: string) => !keepsOwnLimit && (LIMIT_FLAG.test(option) || YOUNG_FLAG.test(option));
  return [...flags, ...execArgv.filter(option => !isReplaced(option))];
}

/** Whether options have a flag with any value. */
const isSet = (flag: string, options: readonly string[]): boolean =>
  options.some(option => nameOf(option) === nameOf(flag));

/** V8 accepts underscores, too. */
const nameOf = (option: string): string => option.split('=', 1)[0]!.replaceAll('_', '-');

/** A value that is not valid is reported when all settings are read; until then it has no effect. */
function validBudget(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  const number = /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return number >= MIN_BUDGET_MB && number <= MAX_BUDGET_MB ? number : undefined;
}
