// `npm run bench`: starts all that it needs, measures, prints a table, and writes a JSON file. See docs/benchmarks.md.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { CASES, GROWING_CASES } from './cases/index.js';
import { chooseCases } from './choose-cases.js';
import { BenchPostgres } from './harness/bench-postgres.js';
import { ROOT } from './harness/run-script.js';
import { readOptions, USAGE } from './options.js';
import { publish } from './publish/publish.js';
import { withReport } from './publish/published.js';
import { type Report, toGrowthTables, toTable } from './report.js';
import { runCases } from './run-cases.js';
import { runSoak } from './soak/run-soak.js';
import { type SoakReport } from './soak/soak-report.js';

const options = readOptions();
const say = (line: string) => process.stderr.write(`${line}\n`);
const print = (text: string) => process.stdout.write(text);
const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

const keep = async (report: unknown): Promise<void> => {
  await mkdir(dirname(options.out), { recursive: true });
  await writeFile(options.out, `${JSON.stringify(report, null, 2)}\n`, { flag: options.isOutNamed ? 'wx' : 'w' });
  print(`Written to ${options.out}.\n`);
};

const takeIntoDocs = (report: Report | SoakReport): Promise<void> =>
  publish(published => ('cases' in report ? withReport(published, report) : { ...published, soak: report }));

async function measureCases(postgres: BenchPostgres): Promise<readonly string[]> {
  const against = options.against === undefined ? undefined : ((await readJson(options.against)) as Report);
  const { report, failures } = await runCases(postgres, chosen, options, say);
  print(`${report.machine}\n${report.database}, PG1 by ${report.pg1Tool}\n${toTable(report, against)}\n`);
  print(`${toGrowthTables(report)}\n`);
  await keep(report);
  if (options.docs) await takeIntoDocs(report);
  return failures;
}

async function soak(postgres: BenchPostgres): Promise<readonly string[]> {
  if (!options.soak) return [];
  const report = await runSoak(postgres, options.soak, say);
  for (const { what, met, seen } of report.verdicts) print(`${met ? 'met   ' : 'MISSED'}  ${what}: ${seen}\n`);
  await keep(report);
  if (options.docs) await takeIntoDocs(report);
  return report.verdicts.filter(({ met }) => !met).map(({ what, seen }) => `soak: not so: ${what} (${seen})`);
}

const { chosen, unknown } = chooseCases(options.names, options.soak ? [] : CASES, [
  ...(options.soak ? CASES : []),
  ...GROWING_CASES,
]);
if (options.help || options.list || unknown.length > 0) {
  if (unknown.length > 0) say(`No such case: ${unknown.join(', ')}`);
  const list = [...CASES, ...GROWING_CASES].map(({ name, work }) => `${name.padEnd(16)} ${work}\n`);
  print(options.help ? USAGE : list.join(''));
  process.exit(unknown.length > 0 ? 2 : 0);
}
if (options.from !== undefined) {
  await takeIntoDocs((await readJson(options.from)) as Report | SoakReport);
  process.exit();
}

if (options.isOutNamed && existsSync(options.out)) {
  say(`${options.out} exists already: name another file.`);
  process.exit(2);
}

const build = spawnSync(process.execPath, ['scripts/build.mjs'], {
  cwd: ROOT,
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (build.status !== 0) process.exit(build.status ?? 1);

const postgres = await BenchPostgres.start();
const failures: string[] = [];
try {
  if (chosen.length > 0) failures.push(...(await measureCases(postgres)));
  failures.push(...(await soak(postgres)));
} finally {
  await postgres.stop();
}
for (const failure of failures) say(failure);
process.exit(failures.length > 0 ? 1 : 0);
