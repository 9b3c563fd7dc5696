// Prints the failures and `N passed, N failed`, from the file that Vitest's JSON reporter wrote; exit code 1 unless all tests passed.
import { readFileSync } from 'node:fs';
import process from 'node:process';

/** The printed length of each error: if only the end of a log is kept, it should still contain all failures. */
const MESSAGE_CHARACTERS = 200;

const results = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const summaryOf = messages => (messages[0] ?? '').split('\n')[0].slice(0, MESSAGE_CHARACTERS);

let failed = 0;
for (const file of results.testResults) {
  const tests = file.assertionResults.filter(test => test.status === 'failed');
  // A file that cannot be loaded has no failed tests, but is itself a failure.
  const failures =
    file.status === 'failed' && tests.length === 0
      ? [{ fullName: '(the file)', failureMessages: [file.message] }]
      : tests;
  failed += failures.length;
  for (const { fullName, failureMessages } of failures) {
    process.stdout.write(
      `failed: ${file.name.replace(`${process.cwd()}/`, '')}: ${fullName}: ${summaryOf(failureMessages)}\n`,
    );
  }
}
process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`);
process.exit(failed > 0 || !results.success ? 1 : 0);
