// Prints `N passed, N failed` from the file that Vitest's JSON reporter wrote; exit code 1 unless all passed.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const results = JSON.parse(readFileSync(process.argv[2], 'utf8'));
// A file that cannot be loaded has no tests that could fail, but it did.
const broken = results.testResults.filter(
  file => file.status === 'failed' && !file.assertionResults.some(test => test.status === 'failed'),
).length;
const failed = results.numFailedTests + broken;
process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`);
process.exit(failed > 0 || !results.success ? 1 : 0);
