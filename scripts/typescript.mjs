// Lets the scripts import the TypeScript of the libraries as it is: import it for its effect before anything else.
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { requireNode } from './require-node.mjs';

requireNode();

const root = new URL('../', import.meta.url);
const { config } = ts.readConfigFile(fileURLToPath(new URL('tsconfig.json', root)), path => readFileSync(path, 'utf8'));
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, fileURLToPath(root));
/** @type {Record<string, string[]>} */
const aliases = config.compilerOptions.paths;

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
    const fileName = fileURLToPath(url);
    const { outputText } = ts.transpileModule(readFileSync(fileName, 'utf8'), {
      fileName,
      compilerOptions: { ...options, module: ts.ModuleKind.ESNext, sourceMap: false, inlineSourceMap: true },
    });
    return { format: 'module', source: outputText, shortCircuit: true };
  },
});
