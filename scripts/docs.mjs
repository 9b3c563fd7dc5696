// npm run docs:generate | docs:check: the files in docs/ that are generated from code. With the argument `openapi`: only the OpenAPI document.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import './build.mjs';

/** A module of the build. The path is computed, because the type checker would treat a literal path as a source. */
const built = path => import(new URL(`../dist/${path}`, import.meta.url).href);
const { describeApi } = await built('apps/coordination/src/documentation/api-document.js');
const { settingsReferenceMarkdown } = await built('libs/config/src/index.js');
const { errorReferenceMarkdown, openApiJson, openApiYaml } = await built('libs/http/src/index.js');

const [command, part] = process.argv.slice(2);
const document = await describeApi();
const files = {
  'docs/openapi.json': openApiJson(document),
  'docs/openapi.yaml': openApiYaml(document),
  ...(part !== 'openapi' && {
    'docs/configuration.md': settingsReferenceMarkdown(),
    'docs/errors.md': errorReferenceMarkdown(),
  }),
};

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function generate() {
  mkdirSync('docs', { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(path, text);
}

function check() {
  const drifted = Object.keys(files).filter(path => textOf(path) !== files[path]);
  for (const path of drifted) {
    process.stderr.write(`${path} is out of date: run \`npm run docs:generate\` and commit the result.\n`);
  }
  return drifted.length === 0;
}

/** Linters of the OpenAPI document; each has its rules in a file of its own: redocly.yaml. */
const LINTERS = [['redocly', 'lint', 'docs/openapi.yaml']];

function lint([program, ...args]) {
  const { status } = spawnSync(`node_modules/.bin/${program}`, args, {
    stdio: 'inherit',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  return status === 0;
}

if (command === 'generate') generate();
else if (!check() || !LINTERS.every(lint)) process.exitCode = 1;
