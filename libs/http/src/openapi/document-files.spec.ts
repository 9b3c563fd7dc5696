import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { readDocumentFiles, writeDocumentFiles } from './document-files.js';

const texts = { json: { plain: '{}', marked: '{"a":1}' }, yaml: { plain: 'a: ä\n', marked: 'b: 1\n' } };

describe('the files of the build', () => {
  let directory: DisposableDirectory;
  let code: string;
  let documents: string;

  beforeEach(() => {
    directory = disposableDirectory();
    code = join(directory.path, 'main.js');
    documents = join(directory.path, 'documents');
    writeFileSync(code, '');
    writeDocumentFiles(documents, texts);
  });
  afterEach(() => directory.remove());

  it('are read as they were written', () => {
    expect(readDocumentFiles(documents, code)).toEqual(texts);
  });

  it('are not used when a later build has replaced the code, because they could describe another API', () => {
    const later = new Date(Date.now() + 60_000);
    utimesSync(code, later, later);
    expect(readDocumentFiles(documents, code)).toBeUndefined();
  });

  it.each(['openapi.json', 'openapi.yaml', 'openapi-below-prefix.json', 'openapi-below-prefix.yaml'])(
    'are used all together or not at all: not without %s, or with an older one',
    file => {
      const path = join(documents, file);
      utimesSync(path, new Date(0), new Date(0));
      expect(readDocumentFiles(documents, code)).toBeUndefined();
      rmSync(path);
      expect(readDocumentFiles(documents, code)).toBeUndefined();
    },
  );

  it('that cannot be read are an error, not absent', () => {
    const path = join(documents, 'openapi.json');
    rmSync(path);
    writeDocumentFiles(path, texts);
    expect(() => readDocumentFiles(documents, code)).toThrow(/EISDIR/);
  });
});
