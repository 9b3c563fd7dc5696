// The last step of the build: makes the texts of the OpenAPI document from the compiled code, so that no request has to.
import process from 'node:process';
import { documentTexts, writeDocumentFiles } from '@coordination/http';
import { describeApi } from './documentation/api-document.js';
import { DOCUMENTS_DIRECTORY } from './documentation/built-documents.js';

const document = await describeApi();
writeDocumentFiles(
  DOCUMENTS_DIRECTORY,
  documentTexts(() => document),
);
// Modules that are loaded may hold timers.
process.exit();
