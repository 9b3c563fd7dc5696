import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { escapeHtml, htmlPage } from './html.js';
import { HTML, type KeptText, keptText } from './kept-text.js';
import { markdownSource, titleOf } from './markdown-source.js';

/** The guides that a service serves itself, so that they match its version and need no network. */
export interface GuideOptions {
  /** The directory of the Markdown files. */
  readonly directory: string;
  /** The main guides, by file name without `.md`, in the order in which pages list them. */
  readonly main: readonly { readonly name: string; readonly about: string }[];
}

/** Guides, decision records, and programs that guides refer to. */
const SERVED = ['*.md', 'adr/*.md', 'examples/*.{ts,py}', '*.mjs'];

const PLAIN = 'text/plain; charset=utf-8';

/** The path of the directory of guides, from which their links are resolved. */
const PLACE = '/docs/guides';

/** The pages below /docs/guides, each rendered on its first request. */
export class Guides {
  private readonly files: ReadonlyMap<string, string>;
  private readonly pages = new Map<string, KeptText>();

  constructor(private readonly options: GuideOptions) {
    const files = globSync(SERVED, { cwd: options.directory }).map(file => file.replaceAll('\\', '/'));
    this.files = new Map(files.sort().map(file => [file.replace(/\.md$/, ''), file]));
  }

  /** The main guides that exist. */
  get main(): GuideOptions['main'] {
    return this.options.main.filter(({ name }) => this.files.has(name));
  }

  /** The list of all guides. */
  index(): KeptText {
    const rows = this.main.map(
      ({ name, about }) => `<li><a href="guides/${name}">${name}</a>: ${escapeHtml(about)}</li>`,
    );
    const known = new Set(this.main.map(({ name }) => name));
    const others = [...this.files.keys()]
      .filter(name => !known.has(name))
      .map(name => `<li><a href="guides/${name}">${name}</a></li>`);
    const body =
      `<h1>Guides</h1><p>They are those of the version that runs here.</p><ul>${rows.join('')}</ul>` +
      `<h2>Decisions, and programs that guides speak of</h2><ul>${others.join('')}</ul>`;
    return this.kept('', () => keptText(HTML, htmlPage({ title: 'Guides', body, toDocs: '' })));
  }

  /** One guide by its name, or undefined if there is none. */
  page(name: string): KeptText | undefined {
    const file = this.files.get(name);
    if (file === undefined) return undefined;
    return this.kept(name, () => {
      const text = readFileSync(join(this.options.directory, file), 'utf8');
      return file.endsWith('.md') ? this.markdownPage(name, text) : keptText(PLAIN, text);
    });
  }

  /** Whether `name` is the file name of a guide, with `.md`. */
  isFileName(name: string): boolean {
    return name.endsWith('.md') && this.files.has(name.slice(0, -'.md'.length));
  }

  private markdownPage(name: string, text: string): KeptText {
    const body = markdownSource(text, target => this.hrefOf(name, target));
    const toDocs = '../'.repeat(name.split('/').length);
    return keptText(HTML, htmlPage({ title: titleOf(text) ?? name, body, toDocs }));
  }

  /** The target of a link of a guide below this service; undefined: it is not served. */
  private hrefOf(name: string, target: string): string | undefined {
    if (/^(?:https?:|#)/.test(target)) return target;
    const [path = '', anchor] = target.split('#');
    const from = posix.dirname(posix.join(PLACE, name));
    const found = posix.join(posix.dirname(name), path.replace(/\.md$/, ''));
    // The OpenAPI documents are served beside /docs.
    const served = this.files.has(found)
      ? posix.join(PLACE, found)
      : /^openapi\.\w+$/.test(found)
        ? `/${found}`
        : undefined;
    if (served === undefined) return undefined;
    return `${posix.relative(from, served)}${anchor === undefined ? '' : `#${anchor}`}`;
  }

  private kept(name: string, make: () => KeptText): KeptText {
    const made = this.pages.get(name) ?? make();
    this.pages.set(name, made);
    return made;
  }
}
