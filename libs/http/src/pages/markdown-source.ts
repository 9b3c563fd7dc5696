import { escapeHtml } from './html.js';

/** Fenced blocks, which the split keeps apart, because their content is no Markdown. */
const FENCED = /(^ *```[^]*?^ *```$)/m;
const HEADING = /^(#{1,6}) (.+)$/gm;
const LINK = /\[([^\]]+)\]\(([^)\s]+)\)/g;
const DEFINITION = /^(\[[^\]]+\]: )(https?:\S+)$/gm;

/**
 * The source of a Markdown file as readable HTML: headings, blocks of code and links are marked up, the rest is unchanged. It
 * is no Markdown renderer, and a package for that should replace it.
 * @param hrefOf the target of a link of the file, or undefined if that is not served
 */
export function markdownSource(markdown: string, hrefOf: (target: string) => string | undefined): string {
  return markdown
    .split(FENCED)
    .map((part, index) => (index % 2 === 1 ? `<pre>${escapeHtml(withoutFences(part))}</pre>` : prose(part, hrefOf)))
    .join('');
}

/** The text of the first heading. */
export const titleOf = (markdown: string): string | undefined => /^# (.+)$/m.exec(markdown)?.[1];

function prose(text: string, hrefOf: (target: string) => string | undefined): string {
  const linked = escapeHtml(text)
    .replaceAll(LINK, (whole, label: string, target: string) => {
      const href = hrefOf(target);
      return href === undefined ? whole : `<a href="${href}">${label}</a>`;
    })
    .replaceAll(DEFINITION, '$1<a href="$2">$2</a>');
  const parts = linked.split(HEADING);
  // Between two headings there are two groups: the marks, and the text of the heading.
  return parts
    .map((part, index) => {
      if (index % 3 === 0) return part.trim() === '' ? '' : `<pre class="source">${part.trim()}</pre>`;
      if (index % 3 === 1) return '';
      const level = parts[index - 1]?.length ?? 1;
      return `<h${level} id="${anchorOf(part)}">${part}</h${level}>`;
    })
    .join('');
}

/** The anchor of a heading as GitHub derives it, because links between the files use that. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/<[^>]*>|&\w+;/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const withoutFences = (block: string): string => block.split('\n').slice(1, -1).join('\n');
