import { beforeAll, describe, expect, it, vi } from 'vitest';
import { describeApi } from '../apps/coordination/src/documentation/api-document.js';
import { complaintsOf } from './support/openapi/compile-client.js';
import { type ApiDocument, type Schema } from './support/openapi/openapi-schemas.js';
import { typesOf } from './support/openapi/openapi-types.js';

// Each compiles, with the library of the language.
vi.setConfig({ testTimeout: 240_000 });

let document: ApiDocument;

beforeAll(async () => {
  document = (await describeApi()) as unknown as ApiDocument;
});

const withSchema = (name: string, change: (schema: Schema) => Schema): ApiDocument => {
  const { components, ...rest } = document;
  const schemas = { ...components.schemas, [name]: change(components.schemas[name]!) };
  return { ...rest, components: { ...components, schemas } };
};

describe('TypeScript types of the document', () => {
  it('compile, and so does the life of a client against them, with all its mistakes found', () => {
    expect(complaintsOf(typesOf(document))).toEqual([]);
  });

  it('would refuse the shortest registration if a field of it had a default, as those of openapi-typescript do', () => {
    const defaulted = withSchema('RegisterInstance', schema => ({
      ...schema,
      properties: { ...schema.properties, weight: { type: 'integer', default: 100 } },
    }));
    expect(complaintsOf(typesOf(defaulted)).join('\n')).toMatch(/^life\.ts:\d+ .*\n?.*weight/);
  });

  it('would tell kinds of checks by nothing if these were all one text', () => {
    const untold = withSchema('HttpCheck', schema => ({
      ...schema,
      properties: { ...schema.properties, kind: { type: 'string' } },
    }));
    expect(complaintsOf(typesOf(untold)).join('\n')).toMatch(/^life\.ts:/);
  });
});
