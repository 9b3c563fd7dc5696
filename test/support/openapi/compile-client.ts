import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../nodes/command.js';

const LIFE = join(ROOT, 'test/client-life');

/** The strictest that clients compile with. */
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: [],
  skipLibCheck: true,
  noEmit: true,
};

/** Files of the compiler and of the life, which are the same for all types. */
const known = new Map<string, ts.SourceFile | undefined>();

/** What the compiler says of the life of a client against types of the API, which lie beside it and nowhere on the disk. */
export function complaintsOf(types: string): string[] {
  const api = join(LIFE, 'api.ts');
  const host = ts.createCompilerHost(OPTIONS);
  const disk = { ...host };
  host.fileExists = name => name === api || disk.fileExists(name);
  host.readFile = name => (name === api ? types : disk.readFile(name));
  host.getSourceFile = (name, options) => {
    if (name === api) return ts.createSourceFile(name, types, options);
    if (!known.has(name)) known.set(name, disk.getSourceFile(name, options));
    return known.get(name);
  };
  const sources = readdirSync(LIFE).map(name => join(LIFE, name));
  const program = ts.createProgram(sources, OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(diagnostic => {
    const { file, start = 0, messageText } = diagnostic;
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName.replace(`${LIFE}/`, '') ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

/** A module of the life of a client, as it runs. */
export async function runnable<T>(name: string): Promise<T> {
  const { outputText } = ts.transpileModule(readFileSync(join(LIFE, `${name}.ts`), 'utf8'), {
    compilerOptions: { ...OPTIONS, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  });
  return (await import(`data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`)) as T;
}
