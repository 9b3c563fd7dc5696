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

export function documentTexts(document: OpenAPIObject): DocumentTexts {
  const marked = documentBelow(BASE_MARK, document);
  return {
    json: { plain: openApiJson(document), marked: openApiJson(marked) },
    yaml: { plain: openApiYaml(document), marked: openApiYaml(marked) },
  };
}

/** A text and its replacement. */
export type Replacement = readonly [text: string, by: string];

/**
 * The document for one state of what it depends on.
 * @param base comes before paths of this service in links; a URL or path without characters that JSON or YAML would escape
 * @param examples replaced wherever they occur
 */
export function documentFor(
  { plain, marked }: DocumentText,
  base: string,
  examples: Iterable<Replacement> = [],
): string {
  let text = base === '' ? plain : marked.replaceAll(BASE_MARK, () => base);
  for (const [example, live] of examples) text = text.replaceAll(example, () => live);
  return text;
}
