import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LRUCache } from 'lru-cache';
import { type GuideOptions } from '../pages/guides.js';
import { type KeptText, keptText, sendKept } from '../pages/kept-text.js';
import { CONSTANT, servePages } from '../pages/serve-pages.js';
import {
  DOCUMENT_FORMATS,
  type DocumentText,
  type DocumentTexts,
  documentFor,
  documentTexts,
  type Replacement,
} from './document-texts.js';
import { type ApiDescription, buildOpenApiDocument } from './openapi-document.js';

/** Options of the documentation. */
export interface ApiDocsOptions {
  /** The texts that the build made. Without them each is made on its first request, which takes up to a second. */
  readonly texts?: DocumentTexts | undefined;
  /**
   * Pairs of a text in the examples and its present replacement: ids that the server creates are known only after the
   * examples before them have been tried.
   */
  readonly liveExamples?: () => Iterable<Replacement>;
  readonly guides?: GuideOptions;
}

/**
 * How many variants of the document are kept for each format: one for each prefix of a proxy and each state of the examples. A
 * variant has some 0.8 MB.
 */
const MAX_VARIANTS = 4;

/** Serves the OpenAPI document and the documentation pages. */
export function serveApiDocs(app: NestFastifyApplication, api: ApiDescription, options: ApiDocsOptions = {}): void {
  const server = app.getHttpAdapter().getInstance();
  const { ownLinks } = server;
  const texts = options.texts ?? documentTexts(() => buildOpenApiDocument(app, api));
  for (const format of DOCUMENT_FORMATS) {
    const variants = new DocumentVariants(`application/${format}`, texts[format]);
    server.get(`/openapi.${format}`, { config: CONSTANT }, (request, reply) => {
      ownLinks.markVarying(reply);
      const variant = variants.get(ownLinks.baseFor(request.raw), [...(options.liveExamples?.() ?? [])]);
      return sendKept(request, reply, variant);
    });
  }
  servePages(server, { title: api.title, guides: options.guides });
}

/** The document in one format, in those variants that were asked for last. Each is made once, by replacements in a text. */
class DocumentVariants {
  private readonly kept = new LRUCache<string, KeptText>({ max: MAX_VARIANTS });

  constructor(
    private readonly type: string,
    private readonly text: DocumentText,
  ) {}

  get(base: string, examples: readonly Replacement[]): KeptText {
    const key = JSON.stringify([base, examples]);
    let variant = this.kept.get(key);
    if (!variant) this.kept.set(key, (variant = keptText(this.type, documentFor(this.text, base, examples))));
    return variant;
  }
}
