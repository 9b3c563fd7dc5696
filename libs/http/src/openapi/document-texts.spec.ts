import { type OpenAPIObject } from '@nestjs/swagger';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { documentFor, documentTexts, openApiJson, openApiYaml } from './document-texts.js';
import { documentBelow } from './openapi-links.js';

const WORDS =
  'a description that is long enough for YAML to fold it, with the path /docs/errors/STARTING in it. '.repeat(3);

const problem = (code: string) => ({
  value: { type: `/docs/errors/${code}`, instance: '/api/v1/registry/instances', code, detail: WORDS },
});

const document = {
  openapi: '3.1.0',
  info: { title: 'Paints', version: '1', description: WORDS },
  servers: [{ url: '/', description: 'Where this document comes from' }],
  paths: { '/paints/{id}': { get: { responses: {}, parameters: [{ name: 'id', in: 'path', example: 'wall-1' }] } } },
  components: { examples: { STARTING: problem('STARTING'), OTHER: problem('OTHER') } },
} as unknown as OpenAPIObject;

const BASES = [
  '',
  '/pcs',
  '/a/b.c/~d_e-f',
  `/${'long-segment-'.repeat(19)}`,
  'https://platform.example.com/pcs',
  "https://[2001:db8::1]:8443/it's/%22a%22,[b]/@c",
];

describe('the texts that the build makes', () => {
  const texts = documentTexts(() => document);

  it.each(BASES)('become the document below %j, without serialising it again', base => {
    const expected = documentBelow(base, document);
    expect(documentFor(texts.json, base)).toBe(openApiJson(expected));
    expect(documentFor(texts.yaml, base)).toBe(openApiYaml(expected));
    expect(JSON.parse(documentFor(texts.json, base))).toEqual(expected);
    expect(parse(documentFor(texts.yaml, base))).toEqual(expected);
  });

  it('get the live ids wherever the example occurs, also those that look like patterns of a replacement', () => {
    const live = documentFor(texts.json, '/pcs', [['wall-1', '$&$1']]);
    expect(live).toContain('"example": "$&$1"');
    expect(live).not.toContain('wall-1');
  });
});
