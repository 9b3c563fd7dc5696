import { totalmem } from 'node:os';
import { cgroupLimitBytes } from './cgroup-limit.js';

export const MIB = 1024 * 1024;

/** Smaller budgets (MiB) are refused: the service does not start with less, even without a catalog. */
export const MIN_BUDGET_MB = 128;
/** 16 TiB: a larger number is an error, such as one of bytes. */
export const MAX_BUDGET_MB = 16 * 1024 * 1024;

/** The rest is for the kernel's buffers of sockets and files, which count for the control group, too. */
const SHARE_OF_LIMIT = 0.8;
const SHARE_OF_RAM = 0.25;
const MIN_FROM_RAM_MB = 512;

/** The memory of the machine (bytes). */
export interface Machine {
  readonly ram: number;
  /** What the control groups of this process allow; absent: they have no limit. */
  readonly limit?: number | undefined;
}

export const thisMachine = (): Machine => ({ ram: totalmem(), limit: cgroupLimitBytes() });

/**
 * The budget (MiB) where PCS_MEMORY_BUDGET_MB is absent. A limit that the machine cannot reach is none: version 1 of control
 * groups writes a number of 19 digits where there is no limit.
 */
export function defaultBudgetMb({ ram, limit }: Machine): number {
  const isLimited = limit !== undefined && limit < ram;
  const budget = isLimited
    ? Math.max(MIN_BUDGET_MB, (limit * SHARE_OF_LIMIT) / MIB)
    : Math.max(MIN_FROM_RAM_MB, (ram * SHARE_OF_RAM) / MIB);
  return Math.floor(Math.min(budget, MAX_BUDGET_MB));
}
