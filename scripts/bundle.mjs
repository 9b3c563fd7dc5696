// The step of the build after `nest build`: bundles the programs of dist/ with all that they load at start, from their sources. A
// start reads a few large files then instead of some 3,000 small ones.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const PROGRAMS = ['main', 'migrate', 'compact', 'write-documents'];
const SOURCES = 'apps/coordination/src';
const TARGET = `dist/${SOURCES}`;

/** Packages that are loaded when they are first used, from node_modules. Some find files of theirs by their own path. */
const LOADED_LATER = ['@grpc/grpc-js', 'grpc-health-check', 'pino-pretty'];

/** Packages that dependencies load if they are installed, which they are not. */
const NOT_INSTALLED = [
  '@fastify/multipart',
  '@fastify/view',
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'class-transformer',
  'class-validator',
];

const OUTSIDE = [...LOADED_LATER, ...NOT_INSTALLED];
const isOutside = id => OUTSIDE.some(name => id === name || id.startsWith(`${name}/`));

// All paths are relative to the checkout, whatever the working directory of the caller.
process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const problems = [];
const bundle = await rolldown({
  input: Object.fromEntries(PROGRAMS.map(name => [name, `${SOURCES}/${name}.ts`])),
  platform: 'node',
  tsconfig: 'tsconfig.json',
  external: isOutside,
  onLog: (level, { code, message }) => {
    // A package that cannot be found would fail at the first use only.
    if (code === 'UNRESOLVED_IMPORT') problems.push(message);
  },
});
const { output } = await bundle.write({
  dir: TARGET,
  format: 'esm',
  // Of classes: Nest and log lines name them.
  keepNames: true,
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  codeSplitting: { groups: [{ name: 'vendor', test: /node_modules/ }] },
});
await bundle.close();
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exit(1);

// Node.js reads the map of a file when it loads it (--enable-source-maps): that of the dependencies takes 100 MiB.
for (const { fileName, name } of output) {
  if (name !== 'vendor' || !fileName.endsWith('.js')) continue;
  const file = join(TARGET, fileName);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
  rmSync(`${file}.map`);
}
