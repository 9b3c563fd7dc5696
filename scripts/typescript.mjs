// Lets scripts import the TypeScript sources of the libraries directly: import this file first, for its side effect. Compiled
// files are cached, because compiling all of them takes a process some seconds, and tests start many processes.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, enableCompileCache, registerHooks } from 'node:module';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { requireNode } from './require-node.mjs';

requireNode();

const root = new URL('../', import.meta.url);
const cache = new URL('node_modules/.cache/coordination/', root);
const require = createRequire(import.meta.url);
const { compilerOptions } = JSON.parse(readFileSync(new URL('tsconfig.json', root), 'utf8'));
const { version } = require('typescript/package.json');
/** @type {Record<string, string[]>} */
const aliases = compilerOptions.paths;
/** Paths in errors are relative to the checkout. */
const FORMAT = {
  getCurrentDirectory: () => fileURLToPath(root),
  getCanonicalFileName: name => name,
  getNewLine: () => '\n',
};
const compiler = JSON.stringify([version, compilerOptions]);

/** Another user may own the cache, or its disk may be read-only: then nothing is cached. */
function ifWritable(work) {
  try {
    work();
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes(error.code)) throw error;
  }
}

ifWritable(() => mkdirSync(cache, { recursive: true }));
enableCompileCache(fileURLToPath(new URL('v8', cache)));

const isOurs = url => url.endsWith('.ts') && !url.includes('/node_modules/');

registerHooks({
  resolve(specifier, context, next) {
    const alias = aliases[specifier]?.[0];
    if (alias) return { url: new URL(alias, root).href, shortCircuit: true };
    if (specifier.startsWith('.') && context.parentURL && isOurs(context.parentURL)) {
      const url = new URL(specifier.replace(/[.]js$/, '.ts'), context.parentURL);
      if (existsSync(fileURLToPath(url))) return { url: pathToFileURL(fileURLToPath(url)).href, shortCircuit: true };
    }
    return next(specifier, context);
  },
  load(url, context, next) {
    if (!isOurs(url)) return next(url, context);
    return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true };
  },
});

/**
 * The JavaScript of a file, from the cache or compiled now.
 * @throws SyntaxError with a line for each error, if the file is not valid TypeScript
 */
export function compiled(fileName) {
  const source = readFileSync(fileName, 'utf8');
  const key = createHash('sha256').update(compiler).update('\0').update(fileName).update('\0').update(source);
  const cached = fileURLToPath(new URL(`${key.digest('hex')}.js`, cache));
  if (existsSync(cached)) return readFileSync(cached, 'utf8');
  const output = compile(fileName, source);
  // Processes that start together compile the same file: each writes its own temporary file, and the last rename wins.
  const own = `${cached}.${process.pid}`;
  ifWritable(() => {
    writeFileSync(own, output);
    renameSync(own, cached);
  });
  return output;
}

function compile(fileName, source) {
  /** @type {import('typescript')} */
  const ts = require('typescript');
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, fileURLToPath(root));
  const { outputText, diagnostics } = ts.transpileModule(source, {
    fileName,
    compilerOptions: { ...options, module: ts.ModuleKind.ESNext, sourceMap: false, inlineSourceMap: true },
    reportDiagnostics: true,
  });
  // The compiler produces output even for invalid files. Diagnostics without a file are about the options.
  const faults = diagnostics.filter(({ file }) => file !== undefined);
  if (faults.length > 0) throw new SyntaxError(ts.formatDiagnostics(faults, FORMAT).trimEnd());
  return outputText;
}
