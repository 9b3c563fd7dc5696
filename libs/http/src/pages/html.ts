/** Escapes text for HTML, also for attributes. */
export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A page of the documentation. Its links are relative, so that it is the same behind every path prefix. */
export interface Page {
  readonly title: string;
  /** HTML. */
  readonly body: string;
  /** The path from the directory of the page to `/docs/`: empty, or `../` for each level. */
  readonly toDocs: string;
}

/** A page with links to the other parts of the documentation. */
export const htmlPage = ({ title, body, toDocs }: Page): string =>
  documentOf(
    title,
    `<link rel="stylesheet" href="${toDocs}docs.css">`,
    `${navigation(`${toDocs}../docs`, toDocs)}<main class="docs-page">${body}</main>`,
  );

/** The HTML document around a head and a body. */
export const documentOf = (title: string, head: string, body: string): string =>
  '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
  '<meta name="viewport" content="width=device-width, initial-scale=1">' +
  `<title>${escapeHtml(title)}</title>${head}</head><body>${body}</body></html>\n`;

/** Links that only some pages have, as HTML. */
interface MoreLinks {
  readonly documents?: string;
  readonly guides?: string;
}

export const navigation = (api: string, toDocs: string, { documents = '', guides = '' }: MoreLinks = {}): string =>
  `<nav class="docs-nav"><a href="${api}">API</a>${documents}<a href="${toDocs}errors">Error codes</a>` +
  `<a href="${toDocs}guides">Guides</a>${guides}</nav>`;
