import { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from '@coordination/kernel';
import { errorPageOf } from './problem.js';
import { problemExample } from './problem-examples.js';

const entries = Object.entries<ErrorCodeEntry>(ERROR_CODES) as [ErrorCode, ErrorCodeEntry][];

/** docs/errors.md. */
export function errorReferenceMarkdown(): string {
  const sections = entries.map(
    ([code, { status, title, when, remedy }]) =>
      `## ${code}\n\n**${status}** ${title}.\n\n${when}\n\nWhat to do: ${remedy}\n`,
  );
  return [
    '# Error codes\n',
    '<!-- Generated from libs/kernel/src/error-codes.ts by `npm run docs:generate`. -->\n',
    'Every error is `application/problem+json` (RFC 9457) with a stable `code`. `type` is the page of the code at the',
    'service itself, such as `/docs/errors/VALIDATION_FAILED`; `requestId` finds the request in the log.\n',
    '```json',
    JSON.stringify(problemExample('VALIDATION_FAILED'), null, 2),
    '```\n',
    sections.join('\n'),
  ].join('\n');
}

/** The page that lists all codes. */
export function errorIndexPage(): string {
  const rows = entries.map(
    ([code, { status, title }]) =>
      `<tr><td>${status}</td><td><a href="${errorPageOf(code)}">${code}</a></td><td>${escape(title)}</td></tr>`,
  );
  return page('Error codes', `<table><tr><th>Status</th><th>Code</th><th>Meaning</th></tr>${rows.join('')}</table>`);
}

/** The page of one code, or `undefined` if there is no such code. */
export function errorPage(code: string): string | undefined {
  const found = entries.find(([known]) => known === code);
  if (!found) return undefined;
  const [known, { status, title, when, remedy }] = found;
  return page(
    known,
    `<p><strong>${status}</strong> ${escape(title)}.</p><p>${prose(when)}</p><h2>What to do</h2><p>${prose(remedy)}</p>` +
      `<h2>Example</h2><pre>${escape(JSON.stringify(problemExample(known), null, 2))}</pre>` +
      '<p><a href="/docs/errors">All error codes</a></p>',
  );
}

/** Text of the table as HTML; what stands in backticks is code. */
const prose = (text: string): string => escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}' +
  'td,th{text-align:left;padding:.2rem 1rem .2rem 0}pre{background:#f4f4f4;padding:1rem;overflow:auto}';

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style></head>` +
  `<body><h1>${title}</h1>${body}</body></html>\n`;

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
