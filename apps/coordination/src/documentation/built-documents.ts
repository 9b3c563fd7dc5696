import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { type DocumentTexts, readDocumentFiles } from '@coordination/http';

/** Where the build writes the texts of the OpenAPI document: in dist/, which each build deletes first. */
export const DOCUMENTS_DIRECTORY = fileURLToPath(new URL('../../../../documents', import.meta.url));

/**
 * The texts of the OpenAPI document that were made together with the code that runs; undefined if the sources run, which have
 * none. Texts of an earlier build are not used: this file is of the same build as all others.
 */
export function builtDocuments(): DocumentTexts | undefined {
  const code = fileURLToPath(import.meta.url);
  if (extname(code) !== '.js') return undefined;
  const texts = readDocumentFiles(DOCUMENTS_DIRECTORY, code);
  if (!texts) {
    new Logger('Service').warn(
      `${DOCUMENTS_DIRECTORY} has no OpenAPI document of this build, so the first request for it takes half a second, during which no other is answered. Build with \`npm run build\`.`,
    );
  }
  return texts;
}
