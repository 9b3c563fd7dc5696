import { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from '@coordination/kernel';
import { escapeHtml, htmlPage } from '../pages/html.js';
import { problemExample } from '../problems/problem-examples.js';

const entries = Object.entries<ErrorCodeEntry>(ERROR_CODES) as [ErrorCode, ErrorCodeEntry][];

/** docs/errors.md. */
export function errorReferenceMarkdown(): string {
  const sections = entries.map(
    ([code, { status, title, when, remedy }]) =>
      `## ${code}\n\n**${status}** ${title}.\n\n${when}\n\nWhat to do: ${remedy}\n`,
  );
  return [
    '# Error codes\n',
    '<!-- Generated from libs/kernel/src/errors/error-codes.ts by `npm run docs:generate`. -->\n',
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
      `<tr><td>${status}</td><td><a href="../docs/errors/${code}">${code}</a></td><td>${escapeHtml(title)}</td></tr>`,
  );
  return htmlPage({
    title: 'Error codes',
    body: `<h1>Error codes</h1><table><tr><th>Status</th><th>Code</th><th>Meaning</th></tr>${rows.join('')}</table>`,
    toDocs: '',
  });
}

/**
 * The page of one code, or `undefined` if there is no such code.
 * @param base comes before paths of this service in links
 */
export function errorPage(code: string, base: string): string | undefined {
  const found = entries.find(([known]) => known === code);
  if (!found) return undefined;
  const [known, { status, title, when, remedy }] = found;
  return htmlPage({
    title: known,
    body:
      `<h1>${known}</h1><p><strong>${status}</strong> ${escapeHtml(title)}.</p><p>${prose(when)}</p>` +
      `<h2>What to do</h2><p>${prose(remedy)}</p>` +
      `<h2>Example</h2><pre>${escapeHtml(JSON.stringify(problemExample(known, base), null, 2))}</pre>` +
      '<p><a href="../errors">All error codes</a></p>',
    toDocs: '../',
  });
}

/** Text of the table as HTML; text in backticks is code. */
const prose = (text: string): string => escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
