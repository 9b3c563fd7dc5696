import process from 'node:process';
import { execArgvForBudget } from '@coordination/config/memory';

/**
 * Starts this program again, in the same process, if V8's heap has not the limit that PCS_MEMORY_BUDGET_MB means. The limit
 * can be set only when Node.js starts, and this costs some 50 ms; the process id, the standard streams and signals stay the
 * same. It has no effect where the system cannot replace the program of a process (Windows), and in a process that has a
 * channel to its parent, which would be lost: the parent must give the options (scripts/reloading-service.mjs).
 */
export function limitHeap(): void {
  if (process.execve === undefined || process.send !== undefined) return;
  const { argv, env, execArgv, execPath } = process;
  const options = execArgvForBudget({
    budget: env['PCS_MEMORY_BUDGET_MB'],
    execArgv,
    nodeOptions: env['NODE_OPTIONS'],
  });
  if (options) process.execve(execPath, [execPath, ...options, ...argv.slice(1)], env);
}
