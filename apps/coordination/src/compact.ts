// Entry point of the compaction in images without development dependencies, where `npm run audit-compact` cannot run.
import process from 'node:process';
import { runCompaction } from './commands/run-compaction.js';

try {
  await runCompaction(process.env, process.argv.slice(2), line => void process.stdout.write(`${line}\n`));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
