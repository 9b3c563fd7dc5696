import { defaultBudgetMb, MAX_BUDGET_MB, MIB, MIN_BUDGET_MB, thisMachine } from './memory-budget.js';

/**
 * What a node without a catalog takes (measured with Node.js 24 on Linux, 64 bits): live objects in V8's heap, and what is
 * outside of it: code of the engine, stacks, threads, the allocator's free memory, buffers of sockets.
 */
const BASE_HEAP_MB = 88;
const BASE_OUTSIDE_MB = 80;

/** Less heap (MiB) does not suffice to load the code. */
const MIN_HEAP_MB = 128;

/** What is left beside the base at least (MiB), so that a budget that is too small for anything still gives a service that runs. */
const MIN_REST_MB = 24;

/** Shares of what is left beside the base. */
const KEPT_SHARE = 1 / 4;
const MAX_UNDER_WAY_SHARE = 1 / 3;
/** V8 needs free memory between two collections. */
const GARBAGE_SHARE = 1 / 10;

/** Share of the whole budget, for what is on its way to clients and from them. */
const UNDER_WAY_SHARE = 1 / 6;
/** How much of that is for the bodies of requests. */
const BODIES_SHARE = 1 / 4;

/** More kept answers (MiB) than this have not been of use at 100,000 instances. */
const MAX_KEPT_MB = 384;

/** The parts of what is kept, by who keeps it, in 28ths. */
const KEPT_PARTS = {
  /** Lists of services and of their instances, as JSON. */
  lists: 8,
  /** Pages of lists, and lists with some members only, as JSON. */
  pages: 3,
  /** Which instances a list contains. */
  listings: 2,
  /** The instances that `resolve` chooses from. */
  resolve: 4,
  /** Pages of the log for watches that are behind. */
  logPages: 3,
  /** Answers about the past, as JSON. */
  past: 3,
  /** Pages of events and of histories, as JSON. */
  events: 1,
  /** The newest changes. */
  changes: 4,
} as const;
const ALL_PARTS = 28;

type KeptPart = keyof typeof KEPT_PARTS;

/** How the memory budget is divided; all in bytes. */
export interface MemoryShares {
  /** For all processes of the service. */
  readonly budget: number;
  /** V8's limit of the heap. */
  readonly heapLimit: number;
  /** What the catalog may take before the node is `degraded`. */
  readonly catalog: number;
  /** For kept answers and changes, by who keeps them. */
  readonly kept: Readonly<Record<KeptPart, number>>;
  /** For distinct bytes of responses that sockets have not taken yet. */
  readonly bytesUnderWay: number;
  /** For bodies of requests, from their first byte until the response has been sent. */
  readonly requestBodies: number;
}

/** The settings that the budget depends on. */
export interface MemorySettings {
  readonly PCS_MEMORY_BUDGET_MB?: number | undefined;
}

/** The shares of the budget that is set, or of the default one of this machine. */
export const memoryShares = ({ PCS_MEMORY_BUDGET_MB: budgetMb }: MemorySettings): MemoryShares =>
  sharesOf(budgetMb ?? defaultBudgetMb(thisMachine()));

/**
 * Divides a budget (MiB). The base and the catalog come first; a quarter of what is left beside the base is for kept answers,
 * an eighth of the budget for bytes under way, and a third of that for bodies of requests. Heap, bytes under way, bodies and what
 * is outside of them make up the budget.
 */
export function sharesOf(budgetMb: number): MemoryShares {
  const rest = Math.max(MIN_REST_MB, budgetMb - BASE_HEAP_MB - BASE_OUTSIDE_MB);
  const underWay = Math.min(budgetMb * UNDER_WAY_SHARE, rest * MAX_UNDER_WAY_SHARE);
  const kept = Math.min(rest * KEPT_SHARE, MAX_KEPT_MB);
  const parts = Object.entries(KEPT_PARTS).map(([name, part]) => [name, bytes((kept * part) / ALL_PARTS)]);
  return {
    budget: bytes(budgetMb),
    heapLimit: bytes(Math.max(MIN_HEAP_MB, Math.floor(budgetMb - BASE_OUTSIDE_MB - underWay))),
    catalog: bytes(rest - underWay - kept - rest * GARBAGE_SHARE),
    kept: Object.fromEntries(parts) as Record<KeptPart, number>,
    bytesUnderWay: bytes(underWay * (1 - BODIES_SHARE)),
    requestBodies: bytes(underWay * BODIES_SHARE),
  };
}

/** The smallest budget (MiB) that leaves so much (bytes) for the catalog. */
export function budgetFor(catalogBytes: number): number {
  let [below, enough] = [0, MAX_BUDGET_MB];
  while (enough - below > 1) {
    const middle = Math.floor((below + enough) / 2);
    if (sharesOf(middle).catalog < catalogBytes) below = middle;
    else enough = middle;
  }
  return Math.max(MIN_BUDGET_MB, enough);
}

const bytes = (mib: number): number => Math.floor(mib * MIB);
