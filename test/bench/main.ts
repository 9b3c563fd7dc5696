// `npm run bench`: starts all that it needs, measures, prints a table, and writes a JSON file. See docs/benchmarks.md.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { type BenchCase } from './bench-case.js';
import { CASES, GROWING_CASES } from './cases/index.js';
import { chooseCases, chooseComparable } from './choose-cases.js';
import { CannotCompare } from './compare/cannot-compare.js';
import { comparisonText } from './compare/comparison-table.js';
import { runComparison } from './compare/run-comparison.js';
import { BenchPostgres } from './harness/bench-postgres.js';
import { ROOT } from './harness/run-script.js';
import { type Options, readOptions, USAGE, UsageError } from './options.js';
import { type OverloadReport } from './overload/report.js';
import { overloadTable } from './overload/overload-table.js';
import { failuresOf } from './overload/judge-cell.js';
import { runOverload } from './overload/run-overload.js';
import { publish } from './publish/publish.js';
import { withReport } from './publish/published.js';
import { type Report, toGrowthTables, toTable } from './report.js';
import { runCases } from './run-cases.js';
import { runSoak } from './soak/run-soak.js';
import { type SoakReport } from './soak/soak-report.js';

const say = (line: string) => process.stderr.write(`${line}\n`);
const print = (text: string) => process.stdout.write(text);

type AnyReport = Report | SoakReport | OverloadReport;

async function readReport(file: string): Promise<AnyReport> {
  const report = JSON.parse(await readFile(file, 'utf8')) as AnyReport;
  if ('rounds' in report) throw new UsageError(`${file} is a comparison of two commits, not the figures of a run.`);
  return report;
}

async function keep(report: unknown, { out, isOutNamed }: Options): Promise<void> {
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, `${JSON.stringify(report, null, 2)}\n`, { flag: isOutNamed ? 'wx' : 'w' });
  print(`Written to ${out}.\n`);
}

const takeIntoDocs = (report: AnyReport): Promise<void> =>
  publish(published => {
    if ('kind' in report) return { ...published, overload: report };
    return 'cases' in report ? withReport(published, report) : { ...published, soak: report };
  });

async function measureCases(
  postgres: BenchPostgres,
  chosen: readonly BenchCase[],
  options: Options,
): Promise<readonly string[]> {
  const against = options.against === undefined ? undefined : await readReport(options.against);
  if (against && !('cases' in against)) throw new UsageError(`${options.against} has no figures of cases.`);
  const { report, failures } = await runCases(postgres, chosen, options, say);
  print(`${report.machine}\n${report.database}, PG1 by ${report.pg1Tool}\n${toTable(report, against)}\n`);
  print(`${toGrowthTables(report)}\n`);
  await keep(report, options);
  if (options.docs) await takeIntoDocs(report);
  return failures;
}

async function soak(postgres: BenchPostgres, options: Options): Promise<readonly string[]> {
  if (!options.soak) return [];
  const report = await runSoak(postgres, options.soak, say);
  for (const { what, met, seen } of report.verdicts) print(`${met ? 'met   ' : 'MISSED'}  ${what}: ${seen}\n`);
  await keep(report, options);
  if (options.docs) await takeIntoDocs(report);
  return report.verdicts.filter(({ met }) => !met).map(({ what, seen }) => `soak: not so: ${what} (${seen})`);
}

async function overload(postgres: BenchPostgres, options: Options): Promise<readonly string[]> {
  if (!options.overload) return [];
  const report = await runOverload(postgres, options.overload, say);
  print(
    `${report.machine}, load average before ${report.loadBefore.toFixed(1)}\n${report.database}\n${overloadTable(report)}\n`,
  );
  await keep(report, options);
  if (options.docs) await takeIntoDocs(report);
  return failuresOf(report);
}

async function compareCommits(againstCommit: string, options: Options): Promise<readonly string[]> {
  const { chosen, notComparable } = chooseComparable(options.names, CASES, GROWING_CASES);
  if (notComparable.length > 0) {
    throw new UsageError(
      `${notComparable.join(', ')}: cannot be run with another commit, since the database is filled by the code of this tree.`,
    );
  }
  const { comparison, failures } = await runComparison(chosen, { ...options, againstCommit }, say);
  print(`${comparison.machine}\n${comparison.database}\n${comparisonText(comparison)}\n\n`);
  await keep(comparison, options);
  return failures;
}

async function measure(chosen: readonly BenchCase[], options: Options): Promise<readonly string[]> {
  const build = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) process.exit(build.status ?? 1);
  const postgres = await BenchPostgres.start();
  try {
    const failed = chosen.length > 0 ? await measureCases(postgres, chosen, options) : [];
    return [...failed, ...(await soak(postgres, options)), ...(await overload(postgres, options))];
  } finally {
    await postgres.stop();
  }
}

/** @returns what failed, of what was measured */
async function main(options: Options): Promise<readonly string[]> {
  const isApart = options.apart.length > 0;
  const { chosen, unknown } = chooseCases(options.names, isApart ? [] : CASES, [
    ...(isApart ? CASES : []),
    ...GROWING_CASES,
  ]);
  if (unknown.length > 0) say(`No such case: ${unknown.join(', ')}`);
  if (options.help || options.list || unknown.length > 0) {
    const list = [...CASES, ...GROWING_CASES].map(({ name, work }) => `${name.padEnd(16)} ${work}\n`);
    print(options.help ? USAGE : list.join(''));
    process.exit(unknown.length > 0 ? WRONG_USE : 0);
  }
  if (options.from !== undefined) {
    await takeIntoDocs(await readReport(options.from));
    return [];
  }
  if (options.isOutNamed && existsSync(options.out)) {
    throw new UsageError(`${options.out} exists already: name another file.`);
  }
  const { againstCommit } = options;
  return againstCommit === undefined ? await measure(chosen, options) : await compareCommits(againstCommit, options);
}

const WRONG_USE = 2;

try {
  const failures = await main(readOptions());
  for (const failure of failures) say(failure);
  process.exit(failures.length > 0 ? 1 : 0);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CannotCompare)) throw error;
  say(error.message);
  process.exit(WRONG_USE);
}
