import { describe, expect, it } from 'vitest';
import { markdownSource, titleOf } from './markdown-source.js';

const hrefOf = (target: string) => (target.startsWith('nowhere') ? undefined : `to/${target}`);

describe('markdownSource', () => {
  it('makes headings that links can name', () => {
    const html = markdownSource('# One `code` & more\n\ntext\n\n### A peer’s [link](x)\n', hrefOf);
    expect(html).toBe(
      '<h1 id="one-code--more">One `code` &amp; more</h1><pre class="source">text</pre>' +
        '<h3 id="a-peers-link">A peer’s <a href="to/x">link</a></h3>',
    );
  });

  it('makes links of what is served, and leaves others as they were written', () => {
    expect(markdownSource('[two\nlines](a.md#b), [none](nowhere.md)', hrefOf)).toBe(
      '<pre class="source"><a href="to/a.md#b">two\nlines</a>, [none](nowhere.md)</pre>',
    );
    expect(markdownSource('[sse]: https://example.com/a?b&c', hrefOf)).toBe(
      '<pre class="source">[sse]: <a href="https://example.com/a?b&amp;c">https://example.com/a?b&amp;c</a></pre>',
    );
  });

  it('leaves code as it is', () => {
    expect(markdownSource('a\n\n```sh\n# no heading\necho "[no](link)" <b>\n```\n\nb', hrefOf)).toBe(
      '<pre class="source">a</pre><pre># no heading\necho &quot;[no](link)&quot; &lt;b&gt;</pre><pre class="source">b</pre>',
    );
  });

  it('lets no HTML through', () => {
    const html = markdownSource('# <i>\n\n<script>\n\n[<b>](x"onclick=y)\n\n```\n</pre>\n```\n', hrefOf);
    expect(html.replaceAll(/<\/?(?:pre|h1|a)\b[^<>]*>/g, '')).not.toMatch(/[<>]/);
    expect(html).toContain('href="to/x&quot;onclick=y"');
  });
});

describe('titleOf', () => {
  it('is the first heading', () => {
    expect(titleOf('<!-- x -->\n# Title\n# Second')).toBe('Title');
    expect(titleOf('none')).toBeUndefined();
  });
});
