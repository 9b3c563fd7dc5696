import { Global, Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { LiveHeap } from './live-heap.js';
import { MemoryBudget, memoryBudgetShares } from './memory-budget.js';

/** Provides the memory budget to all modules. It needs the modules of settings, context and observability. */
@Global()
@Module({
  providers: [settingsProvider(memoryBudgetShares), LiveHeap, MemoryBudget],
  exports: [MemoryBudget],
})
export class MemoryModule {}
