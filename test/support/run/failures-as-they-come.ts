import { type Reporter, type TestCase, type TestModule, type TestSuite, type Vitest } from 'vitest/node';

/** After so much silence (ms) it is said how far the run is. */
const SILENCE_MS = 60_000;

type Failed = TestCase | TestModule | TestSuite;
type Errors = NonNullable<Extract<ReturnType<TestCase['result']>, { state: 'failed' }>['errors']>;

/**
 * Prints each failure when it happens, with the reason, and once in a while how far the run is: on a slow machine it lasts for
 * long, and the other reporters tell the reasons at its end.
 */
export default class FailuresAsTheyCome implements Reporter {
  private vitest: Vitest | undefined;
  private readonly running = new Set<TestModule>();
  private files = { all: 0, done: 0 };
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestRunStart(specifications: readonly unknown[]): void {
    this.files = { all: specifications.length, done: 0 };
    this.failures = 0;
    this.timer = setInterval(() => this.tellProgress(), SILENCE_MS).unref();
  }

  onTestModuleStart(module: TestModule): void {
    this.running.add(module);
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state === 'failed') this.tellFailure(test, `${test.module.relativeModuleId} > ${test.fullName}`, errors);
  }

  onTestSuiteResult(suite: TestSuite): void {
    this.tellFailure(suite, `${suite.module.relativeModuleId} > ${suite.fullName}`, suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    this.running.delete(module);
    this.files.done += 1;
    this.tellFailure(module, module.relativeModuleId, module.errors());
  }

  onTestRunEnd(): void {
    clearInterval(this.timer);
  }

  /** Suites and files fail without errors of their own where one of their tests did. */
  private tellFailure({ project }: Failed, name: string, errors: Errors): void {
    if (errors.length === 0) return;
    this.failures += 1;
    this.print(['FAILED', project.name, name].filter(Boolean).join(' '));
    for (const { message, diff, stacks = [], stack = '' } of errors) {
      this.print(indented(message));
      if (diff !== undefined) this.print(indented(shortened(diff)));
      const [place] = stacks;
      this.print(indented(place ? `at ${place.file}:${place.line}:${place.column}` : firstFrame(stack)));
    }
  }

  private tellProgress(): void {
    const names = [...this.running].map(({ relativeModuleId }) => relativeModuleId);
    this.print(
      `${this.files.done} of ${this.files.all} files are done, ${this.failures} failures; running: ${names.join(', ')}`,
    );
  }

  private print(line: string): void {
    this.vitest?.logger.log(line);
  }
}

/** So much of a difference tells what is wrong; the other reporters print it whole at the end. */
const MAX_DIFF_LINES = 40;

function shortened(diff: string): string {
  const lines = diff.split('\n');
  const more = lines.length - MAX_DIFF_LINES;
  return more <= 0 ? diff : [...lines.slice(0, MAX_DIFF_LINES), `… and ${more} lines more`].join('\n');
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

const firstFrame = (stack: string): string =>
  stack
    .split('\n')
    .find(line => line.trimStart().startsWith('at '))
    ?.trim() ?? '';
