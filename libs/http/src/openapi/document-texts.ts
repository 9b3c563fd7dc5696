import { type OpenAPIObject } from '@nestjs/swagger';
import { stringify } from 'yaml';
import { documentBelow } from './openapi-links.js';

/** The formats of the OpenAPI document; each is served at `/openapi.<format>`. */
export const DOCUMENT_FORMATS = ['json', 'yaml'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/** Stands for the base of links (PCS_PUBLIC_URL, or the prefix of a proxy) in the texts that are made before it is known. */
const BASE_MARK = '/prefix-of-the-proxy';

/** The document in one format. */
export interface DocumentText {
  /** For clients that reach the service without a path prefix. */
  readonly plain: string;
  /** For all others: with a mark where links have their base. */
  readonly marked: string;
}

/**
 * The texts that all responses with the OpenAPI document are made of. To make them takes half a second, so the build makes
 * them; a response takes replacements in one of them.
 */
export type DocumentTexts = Readonly<Record<DocumentFormat, DocumentText>>;

/** The text of docs/openapi.json. */
export const openApiJson = (document: OpenAPIObject): string => `${JSON.stringify(document, null, 2)}\n`;

/** The text of docs/openapi.yaml. */
export const openApiYaml = (document: OpenAPIObject): string => stringify(document, { aliasDuplicateObjects: false });

/** The texts of a document. Each is made when it is first read, because each takes up to half a second. */
export function documentTexts(make: () => OpenAPIObject): DocumentTexts {
  const plain = once(make);
  const marked = once(() => documentBelow(BASE_MARK, plain()));
  const inFormat = (write: (document: OpenAPIObject) => string): DocumentText => {
    const texts = { plain: once(() => write(plain())), marked: once(() => write(marked())) };
    return {
      get plain() {
        return texts.plain();
      },
      get marked() {
        return texts.marked();
      },
    };
  };
  return { json: inFormat(openApiJson), yaml: inFormat(openApiYaml) };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A text and its replacement. */
export type Replacement = readonly [text: string, by: string];

/**
 * The document for one state of what it depends on.
 * @param base comes before paths of this service in links; a URL or path without characters that JSON or YAML would escape
 * @param examples replaced wherever they occur
 */
export function documentFor(document: DocumentText, base: string, examples: Iterable<Replacement> = []): string {
  let text = base === '' ? document.plain : document.marked.replaceAll(BASE_MARK, () => base);
  for (const [example, live] of examples) text = text.replaceAll(example, () => live);
  return text;
}
