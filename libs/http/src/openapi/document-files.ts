import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCUMENT_FORMATS, type DocumentFormat, type DocumentTexts } from './document-texts.js';

const nameOf = (format: DocumentFormat, kind: 'plain' | 'marked'): string =>
  kind === 'plain' ? `openapi.${format}` : `openapi-below-prefix.${format}`;

/** Writes the texts for {@link readDocumentFiles}. */
export function writeDocumentFiles(directory: string, texts: DocumentTexts): void {
  mkdirSync(directory, { recursive: true });
  for (const format of DOCUMENT_FORMATS) {
    for (const kind of ['plain', 'marked'] as const)
      writeFileSync(join(directory, nameOf(format, kind)), texts[format][kind]);
  }
}

/**
 * The texts that a build wrote; undefined if there are none, or if they are older than the code that they were made from.
 * @param code a file that each build writes before the texts
 */
export function readDocumentFiles(directory: string, code: string): DocumentTexts | undefined {
  const builtAtMs = statSync(code).mtimeMs;
  const read = (format: DocumentFormat, kind: 'plain' | 'marked'): string => {
    const path = join(directory, nameOf(format, kind));
    if (statSync(path).mtimeMs < builtAtMs) throw new OutdatedError();
    return readFileSync(path, 'utf8');
  };
  const of = (format: DocumentFormat) => ({ plain: read(format, 'plain'), marked: read(format, 'marked') });
  try {
    return { json: of('json'), yaml: of('yaml') };
  } catch (error) {
    if (error instanceof OutdatedError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The files are older than the code. */
class OutdatedError extends Error {}
