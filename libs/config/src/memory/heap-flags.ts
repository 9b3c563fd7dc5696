import { defaultBudgetMb, MAX_BUDGET_MB, MIB, MIN_BUDGET_MB, thisMachine } from './memory-budget.js';
import { sharesOf } from './memory-shares.js';

/** Flags of V8 that set a limit of the heap, and of its young generation. V8 accepts underscores, too. */
const LIMIT_FLAG = /^--max[-_](?:old[-_]space|heap)[-_]size(?:[-_]percentage)?(?:=|$)/;
const YOUNG_FLAG = /^--max[-_]semi[-_]space[-_]size(?:=|$)/;

/** The young generation of V8 has three semi-spaces. */
const SEMI_SPACES = 3;

/** What decides on the limit of the heap of a process. */
export interface HeapSources {
  /** The text of PCS_MEMORY_BUDGET_MB. */
  readonly budget?: string | undefined;
  /** The options that Node.js was started with. */
  readonly execArgv: readonly string[];
  /** The text of NODE_OPTIONS. */
  readonly nodeOptions?: string | undefined;
}

/** The flags by which V8 has a limit of the heap (bytes) for both generations together. */
export function heapFlags(limit: number): string[] {
  const limitMb = Math.floor(limit / MIB);
  const semiSpaceMb = limitMb >= 512 ? 16 : limitMb >= 256 ? 8 : 4;
  return [`--max-old-space-size=${limitMb - SEMI_SPACES * semiSpaceMb}`, `--max-semi-space-size=${semiSpaceMb}`];
}

/**
 * The options with which Node.js has to be started for its heap to fit into the budget; undefined if it already was, or if
 * the operator has set a limit and no budget. V8 reserves its heap when it starts, so flags have no effect later.
 */
export function execArgvForBudget({ budget, execArgv, nodeOptions = '' }: HeapSources): string[] | undefined {
  const budgetMb = validBudget(budget);
  const hasOwnLimit = [...execArgv, ...nodeOptions.split(/\s+/)].some(option => LIMIT_FLAG.test(option));
  if (budgetMb === undefined && hasOwnLimit) return undefined;
  const flags = heapFlags(sharesOf(budgetMb ?? defaultBudgetMb(thisMachine())).heapLimit);
  if (flags.every(flag => execArgv.includes(flag))) return undefined;
  return [...flags, ...execArgv.filter(option => !LIMIT_FLAG.test(option) && !YOUNG_FLAG.test(option))];
}

/** A value that is not valid is reported when all settings are read; until then it has no effect. */
function validBudget(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  const number = /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return number >= MIN_BUDGET_MB && number <= MAX_BUDGET_MB ? number : undefined;
}
