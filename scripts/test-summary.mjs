// Prints what failed and `N passed, N failed`, from the file that Vitest's JSON reporter wrote; exit code 1 unless all passed.
import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Of an error that much is printed: where only the end of a log is kept, all that failed should still be named in it. */
const MESSAGE_CHARACTERS = 200;

const results = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const told = messages => (messages[0] ?? '').split('\n')[0].slice(0, MESSAGE_CHARACTERS);

let failed = 0;
for (const file of results.testResults) {
  const tests = file.assertionResults.filter(test => test.status === 'failed');
  // A file that cannot be loaded has no tests that could fail, but it did.
  const failures =
    file.status === 'failed' && tests.length === 0
      ? [{ fullName: '(the file)', failureMessages: [file.message] }]
      : tests;
  failed += failures.length;
  for (const { fullName, failureMessages } of failures) {
    process.stdout.write(
      `failed: ${file.name.replace(`${process.cwd()}/`, '')}: ${fullName}: ${told(failureMessages)}\n`,
    );
  }
}
process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`);
process.exit(failed > 0 || !results.success ? 1 : 0);
