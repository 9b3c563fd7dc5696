// `npm run bench`: starts all that it needs, measures, prints a table, and writes a JSON file. See docs/benchmarks.md.
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { CASES } from './cases/index.js';
import { BenchPostgres } from './harness/bench-postgres.js';
import { ROOT } from './harness/run-script.js';
import { describeMachine, type Report, toTable } from './report.js';
import { type CaseResult, runCase } from './run-case.js';
import { pg1Tool } from './yardsticks/pg1.js';

const DEFAULT_OUT = '.data/bench/latest.json';
const USAGE = `Usage: npm run bench -- [options] [case …]

  --seconds N       how long each measurement lasts, after its warm-up (5)
  --warm-up N       how long each warm-up lasts (2)
  --repetitions N   how often each case is measured, each time after its yardstick; medians count (3)
  --against FILE    compares with the JSON file of an earlier run
  --out FILE        where the JSON file goes (${DEFAULT_OUT})
  --list            lists the cases
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '2' },
    repetitions: { type: 'string', default: '3' },
    against: { type: 'string' },
    out: { type: 'string', default: DEFAULT_OUT },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const say = (line: string) => process.stderr.write(`${line}\n`);
const unknown = positionals.filter(name => !CASES.some(benchCase => benchCase.name === name));
if (values.help || values.list || unknown.length > 0) {
  if (unknown.length > 0) say(`No such case: ${unknown.join(', ')}`);
  process.stdout.write(values.help ? USAGE : CASES.map(({ name, work }) => `${name.padEnd(16)} ${work}\n`).join(''));
  process.exit(unknown.length > 0 ? 2 : 0);
}

const build = spawnSync(process.execPath, ['scripts/build.mjs'], {
  cwd: ROOT,
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (build.status !== 0) process.exit(build.status ?? 1);

const against =
  values.against === undefined ? undefined : (JSON.parse(await readFile(values.against, 'utf8')) as Report);
const chosen = positionals.length === 0 ? CASES : CASES.filter(({ name }) => positionals.includes(name));
const repetitions = Number(values.repetitions);
const postgres = await BenchPostgres.start();
const results: CaseResult[] = [];
const failures: string[] = [];
try {
  const context = {
    postgres,
    pg1Tool: await pg1Tool(),
    seconds: Number(values.seconds),
    warmUpSeconds: Number(values['warm-up']),
  };
  for (const benchCase of chosen) {
    try {
      results.push(await runCase(benchCase, context, repetitions, say));
    } catch (error) {
      failures.push(`${benchCase.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      say(`${benchCase.name} FAILED`);
    }
  }
  const report: Report = {
    at: new Date().toISOString(),
    machine: describeMachine(),
    seconds: context.seconds,
    repetitions,
    pg1Tool: context.pg1Tool,
    database: await postgres.describe(),
    cases: results,
  };
  await mkdir(dirname(values.out), { recursive: true });
  await writeFile(values.out, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(
    `${report.machine}\n${report.database}, PG1 by ${report.pg1Tool}\n${toTable(report, against)}\n`,
  );
  process.stdout.write(`Written to ${values.out}.\n`);
} finally {
  await postgres.stop();
}
for (const failure of failures) say(failure);
process.exit(failures.length > 0 ? 1 : 0);
