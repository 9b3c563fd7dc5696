// The door for main.ts, which limits the heap before it loads anything else: nothing here loads a package.
export { execArgvForBudget } from './memory/heap-flags.js';
