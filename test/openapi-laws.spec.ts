import { RE2JS } from 're2js';
import { beforeAll, describe, expect, it } from 'vitest';
import { MAX_HEAD_BYTES } from '@coordination/http/testing';
import { describeApi } from '../apps/coordination/src/documentation/api-document.js';
import { longestHeadOf } from './support/openapi/openapi-head.js';
import { clashesOf, RESERVED_METHODS, RESERVED_TYPES } from './support/openapi/openapi-names.js';
import {
  type ApiDocument,
  everySchema,
  nameOf,
  operationsOf,
  type PlacedOperation,
  type PlacedSchema,
  resolved,
  type Schema,
} from './support/openapi/openapi-schemas.js';
import { validatorOf } from './support/openapi/openapi-validator.js';

/**
 * What the document must be, so that clients that are generated from it compile and understand every answer. Each law stands
 * for something that a generator made nothing, or something wrong, of. It takes part with every new operation.
 */
let document: ApiDocument;
let schemas: PlacedSchema[];
let operations: PlacedOperation[];

beforeAll(async () => {
  document = (await describeApi()) as unknown as ApiDocument;
  schemas = everySchema(document);
  operations = operationsOf(document);
});

/** Where a law is broken. */
const breaches = (isBroken: (placed: PlacedSchema) => boolean): string[] =>
  schemas.filter(isBroken).map(({ at, schema }) => `${at}: ${JSON.stringify(schema).slice(0, 200)}`);

const widthOf = ({ minimum = -Infinity, maximum = Infinity }: Schema): string =>
  minimum > -(2 ** 31) && maximum < 2 ** 31 ? 'int32' : 'int64';
const typesOf = ({ type }: Schema): readonly string[] => (type === undefined ? [] : [type].flat());
const isNull = (schema: Schema): boolean => schema.type === 'null';
const membersOf = ({ oneOf, anyOf }: Schema): readonly Schema[] => oneOf ?? anyOf ?? [];

describe('types of generated clients', () => {
  it('are as wide as the numbers may become', () => {
    expect(
      breaches(({ schema }) => typesOf(schema).includes('integer') && schema.format !== widthOf(schema)),
      'a number of 64 bits is cut to 32 where nothing is said of it',
    ).toEqual([]);
    expect(breaches(({ schema }) => typesOf(schema).includes('number') && schema.format !== 'double')).toEqual([]);
  });

  it('are those of known formats, which say all that is to be said of the text', () => {
    const known = new Set(['int32', 'int64', 'double', 'uuid', 'date-time', 'uri-reference']);
    expect(breaches(({ schema: { format } }) => format !== undefined && !known.has(format))).toEqual([]);
    expect(
      breaches(({ schema: { format, pattern } }) => format !== undefined && pattern !== undefined),
      'Java puts the pattern on the type that it makes of the format',
    ).toEqual([]);
  });

  it('have no enums of booleans or with null, and no value twice', () => {
    expect(breaches(({ schema }) => schema.enum !== undefined && typesOf(schema).join() !== 'string')).toEqual([]);
    expect(breaches(({ schema }) => schema.enum?.some(value => typeof value !== 'string') ?? false)).toEqual([]);
    expect(breaches(({ schema: { enum: values = [] } }) => new Set(values).size < values.length)).toEqual([]);
    expect(breaches(({ schema }) => 'const' in schema)).toEqual([]);
  });

  it('have names: what has properties or is a set of words is a component', () => {
    expect(
      breaches(({ schema, in: place, isWhole }) => 'properties' in schema && !(place === 'component' && isWhole)),
    ).toEqual([]);
    expect(
      breaches(
        ({ schema, in: place, isWhole }) => (schema.enum?.length ?? 0) > 1 && place === 'component' && !isWhole,
      ).filter(at => !at.startsWith('ChangeEvent.event')),
    ).toEqual([]);
    expect(breaches(({ schema, in: place }) => schema.enum !== undefined && place === 'content')).toEqual([]);
  });

  it('have names that are nothing else in any language', () => {
    const names = Object.keys(document.components.schemas);
    expect(names.filter(name => !/^[A-Z][A-Za-z0-9]*$/.test(name))).toEqual([]);
    expect(names.filter(name => RESERVED_TYPES.has(name.toLowerCase()))).toEqual([]);
    expect(
      clashesOf(
        names,
        operations.map(({ operationId }) => operationId),
      ),
    ).toEqual([]);
  });

  it('are null in one of two spellings', () => {
    expect(breaches(({ schema }) => 'nullable' in schema)).toEqual([]);
    expect(
      breaches(({ schema }) => {
        const types = typesOf(schema);
        return types.length > 1 && !(types.length === 2 && types[1] === 'null');
      }),
      'a list of types has one and null',
    ).toEqual([]);
    expect(
      breaches(({ schema }) => {
        const members = membersOf(schema);
        if (!members.some(isNull)) return false;
        return members.length !== 2 || schema.anyOf === undefined || members[0]?.$ref === undefined;
      }),
      'only a component or null is a union',
    ).toEqual([]);
  });

  it('tell the members of a union by a property, or by what kind of JSON they are', () => {
    expect(breaches(({ schema }) => schema.allOf !== undefined)).toEqual([]);
    expect(breaches(({ schema }) => membersOf(schema).length > 0 && !isNullable(schema) && !isTold(schema))).toEqual(
      [],
    );
  });

  it('say the same of what stands for something else', () => {
    const beside = new Set(['$ref', 'description', 'default']);
    expect(
      breaches(({ schema }) => schema.$ref !== undefined && Object.keys(schema).some(key => !beside.has(key))),
    ).toEqual([]);
    for (const { schema } of schemas) expect(() => resolved(document, schema)).not.toThrow();
    expect(JSON.stringify(document)).not.toMatch(/"(\$defs|x-[a-z-]+|__schema\d*)"/);
  });
});

const isNullable = (schema: Schema): boolean => membersOf(schema).some(isNull);

/** Whether each member is told by a value that it alone has, and all values are mapped; or is of another kind of JSON. */
function isTold({ oneOf, discriminator }: Schema): boolean {
  if (oneOf === undefined) return false;
  const members = oneOf.map(({ $ref }) => ({
    $ref: $ref ?? '',
    schema: document.components.schemas[nameOf($ref ?? '')],
  }));
  if (!discriminator) {
    const kinds = members.map(({ schema }) => schema?.type);
    return kinds.every(kind => typeof kind === 'string') && new Set(kinds).size === kinds.length;
  }
  const { propertyName, mapping = {} } = discriminator;
  const told = members.flatMap(({ $ref, schema }) =>
    schema?.required?.includes(propertyName) === true
      ? (schema.properties?.[propertyName]?.enum ?? []).map(value => [value as string, $ref] as const)
      : [],
  );
  const refs = new Set(told.map(([, $ref]) => $ref));
  return (
    refs.size === members.length &&
    new Set(told.map(([value]) => value)).size === told.length &&
    told.length === Object.keys(mapping).length &&
    told.every(([value, $ref]) => mapping[value] === $ref)
  );
}

describe('requests', () => {
  it('tell defaults of bodies in words: a field with a default is taken for one that must be there', () => {
    expect(breaches(({ schema, in: place }) => place !== 'parameter' && schema.default !== undefined)).toEqual([]);
  });

  it('have parameters whose defaults are of their type, and simple', () => {
    const validate = validatorOf(document);
    const wrong = schemas
      .filter(({ schema, in: place }) => place === 'parameter' && schema.default !== undefined)
      .filter(({ schema }) => typeof schema.default === 'object' || validate(schema, schema.default).length > 0);
    expect(wrong).toEqual([]);
  });

  it('have parameters that are one value, or a list of which it is said how it is written', () => {
    const wrong = operations.flatMap(({ operationId, parameters = [] }) =>
      parameters
        .filter(({ schema, style, explode }) => {
          const { type } = resolved(document, schema);
          if (type === 'array') return style !== 'form' || explode === undefined;
          return !['string', 'integer', 'number', 'boolean'].includes(String(type)) || style !== undefined;
        })
        .map(({ name }) => `${operationId}?${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('say of every object whether it may have other members', () => {
    const bodies = operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}));
    const asked = new Set<string>();
    const visit = (schema: Schema): void => {
      const name = schema.$ref === undefined ? undefined : nameOf(schema.$ref);
      if (name !== undefined && asked.has(name)) return;
      if (name !== undefined) asked.add(name);
      const { properties = {}, items, additionalProperties } = resolved(document, schema);
      const others = typeof additionalProperties === 'object' ? [additionalProperties] : [];
      const inner = [...Object.values(properties), ...(items ? [items] : []), ...others, ...membersOf(schema)];
      for (const child of [...inner, ...membersOf(resolved(document, schema))]) visit(child);
    };
    for (const { schema } of bodies) visit(schema ?? {});
    const open = [...asked].filter(name => {
      const schema = document.components.schemas[name]!;
      return schema.properties !== undefined && schema.additionalProperties === undefined;
    });
    expect(asked.size).toBeGreaterThan(10);
    expect(open).toEqual([]);
  });

  it('fit into the head that the server takes, with every parameter and header at its longest', () => {
    const tooLong = operations
      .map(operation => [operation.operationId, longestHeadOf(document, operation)] as const)
      .filter(([, length]) => length > MAX_HEAD_BYTES);
    expect(tooLong, `these do not fit into ${MAX_HEAD_BYTES} bytes: lower the limits of their parameters`).toEqual([]);
  });

  it('bound every parameter and header that is a text', () => {
    const endless = operations.flatMap(({ operationId, parameters = [] }) =>
      parameters
        .map(({ name, schema }) => ({ name, schema: resolved(document, schema) }))
        .filter(({ schema }) => !isBounded(schema))
        .map(({ name }) => `${operationId}?${name}`),
    );
    expect(endless).toEqual([]);
  });
});

const BOUNDED_FORMATS = new Set(['uuid', 'date-time']);
const isBounded = (schema: Schema): boolean => {
  if (schema.type === 'array')
    return schema.maxItems !== undefined && isBounded(resolved(document, schema.items ?? {}));
  if (schema.type !== 'string') return schema.type === 'boolean' || schema.maximum !== undefined;
  return schema.maxLength !== undefined || schema.enum !== undefined || BOUNDED_FORMATS.has(schema.format ?? '');
};

describe('patterns', () => {
  it('are whole, and the same in JavaScript, Java, Python and RE2, which has no looking around', () => {
    const patterns = schemas.flatMap(({ schema: { pattern } }) => (pattern === undefined ? [] : [pattern]));
    expect(patterns.length).toBeGreaterThan(20);
    for (const pattern of new Set(patterns)) {
      expect(pattern).toMatch(/^\^.*\$$/);
      expect(() => RE2JS.compile(pattern), pattern).not.toThrow();
      expect(() => new RegExp(pattern, 'u'), pattern).not.toThrow();
      // Classes that mean other characters elsewhere, and groups that are written otherwise elsewhere.
      expect(pattern).not.toMatch(/\\[dwspb]|\\u|\[\^?\]|\(\?[<P]/i);
    }
  });
});

/** The status that the example of a code tells. */
const statusOf = (code: string): unknown =>
  (document.components.examples[code]?.value as { readonly status?: unknown } | undefined)?.status;

const byText = (a = '', b = ''): number => (a < b ? -1 : Number(a > b));

describe('operations', () => {
  it('have ids that are method names', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.filter(id => !/^[a-z][a-z]*([A-Z][a-z0-9]+)+$/.test(id))).toEqual([]);
    expect(ids.filter(id => RESERVED_METHODS.has(id.toLowerCase()))).toEqual([]);
    expect(new Set(ids.map(id => id.toLowerCase())).size).toBe(ids.length);
  });

  it('say what any of them can be answered', () => {
    const always = ['400', '408', '417', '421', '431', '500'];
    const ofWrites = ['413', '415'];
    const silent = operations
      .filter(({ path }) => !path.startsWith('/health'))
      .filter(
        ({ method, responses }) =>
          ![...always, ...(method === 'get' ? [] : ofWrites)].every(status => status in responses),
      );
    expect(silent.map(({ operationId }) => operationId)).toEqual([]);
  });

  it('answer failures with a problem, and tell every code by an example', () => {
    const wrong = operations.flatMap(({ operationId, responses, path }) =>
      Object.entries(responses)
        .filter(([status]) => Number(status) >= 400 && !(path.startsWith('/health') && status === '503'))
        .filter(([status, { content = {} }]) => {
          const media = content['application/problem+json'];
          const examples = Object.keys(media?.examples ?? {});
          return (
            Object.keys(content).length !== 1 ||
            nameOf(media?.schema?.$ref ?? '') !== 'Problem' ||
            examples.length === 0 ||
            examples.some(code => statusOf(code) !== Number(status))
          );
        })
        .map(([status]) => `${operationId} ${status}`),
    );
    expect(wrong).toEqual([]);
  });

  it('have no content where there is none, a component where it is JSON, and a text where it is not', () => {
    const wrong = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([status, { content }]) => {
          if (['204', '304'].includes(status)) return content !== undefined;
          return Object.entries(content ?? {}).some(([type, { schema = {} }]) =>
            /[/+]json$/.test(type) ? schema.$ref === undefined : schema.type !== 'string',
          );
        })
        .map(([status]) => `${operationId} ${status}`),
    );
    expect(wrong).toEqual([]);
  });

  it('ask to be tried again where that makes sense', () => {
    const silent = operations.flatMap(({ operationId, path, responses }) =>
      Object.entries(responses)
        .filter(([status, { headers = {} }]) => ['429', '503'].includes(status) && !('Retry-After' in headers))
        .filter(() => !path.startsWith('/health'))
        .map(([status]) => `${operationId} ${status}`),
    );
    expect(silent).toEqual([]);
  });
});

describe('examples', () => {
  it('are what the schemas say, wherever they stand', () => {
    const validate = validatorOf(document);
    const wrong: string[] = [];
    const check = (at: string, schema: Schema | undefined, value: unknown) => {
      if (value === undefined) return;
      for (const error of validate(schema ?? {}, value)) wrong.push(`${at}: ${error}`);
    };
    for (const { at, schema } of schemas) {
      for (const value of [schema.example, ...(schema.examples ?? [])]) check(at, schema, value);
    }
    for (const { operationId, parameters = [], requestBody, responses } of operations) {
      for (const { name, schema, example } of parameters) check(`${operationId}?${name}`, schema, example);
      for (const { content } of [requestBody ?? {}, ...Object.values(responses)]) {
        for (const { schema, example, examples = {} } of Object.values(content ?? {})) {
          check(operationId, schema, example);
          for (const code of Object.keys(examples)) check(code, schema, document.components.examples[code]?.value);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** The rules of `spectral:oas` that Redocly has not, or has in a weaker form. */
describe('what Spectral would ask', () => {
  const textsOf = (node: unknown): string[] => {
    if (typeof node !== 'object' || node === null) return [];
    return Object.entries(node).flatMap(([key, child]) =>
      ['description', 'title', 'summary'].includes(key) && typeof child === 'string' ? [child] : textsOf(child),
    );
  };

  it('no-eval-in-markdown, no-script-tags-in-markdown', () => {
    const texts = textsOf(document);
    expect(texts.length).toBeGreaterThan(200);
    expect(texts.filter(text => /eval\(|<script/i.test(text))).toEqual([]);
  });

  it('info-contact, info-description, info-license, license-url, oas3-api-servers, openapi-tags, tag-description', () => {
    expect(document.info).toMatchObject({
      contact: { name: expect.stringMatching(/./) as string },
      description: expect.stringMatching(/./) as string,
      license: { name: expect.stringMatching(/./) as string, url: expect.stringMatching(/^https:/) as string },
    });
    expect(document.servers.length).toBeGreaterThan(0);
    expect(document.tags.every(({ description }) => description.length > 0)).toBe(true);
  });

  it('oas3-server-trailing-slash, path-keys-no-trailing-slash, path-not-include-query, path-declarations-must-exist', () => {
    expect(document.servers.filter(({ url }) => /.\/$/.test(url))).toEqual([]);
    expect(Object.keys(document.paths).filter(path => /.\/$|\?|\{\}/.test(path))).toEqual([]);
  });

  it('operation-description, operation-singular-tag, operation-tag-defined, operation-operationId-valid-in-url', () => {
    const known = document.tags.map(({ name }) => name);
    for (const { operationId, description, tags } of operations) {
      expect(description, operationId).toMatch(/\S/);
      expect(tags, operationId).toEqual([expect.toBeOneOf(known)]);
      expect(operationId).toBe(encodeURIComponent(operationId));
    }
  });

  it('operation-parameters, path-params, oas3-parameter-description', () => {
    for (const { operationId, path, parameters = [] } of operations) {
      const names = parameters.map(({ name, in: place }) => `${place}:${name.toLowerCase()}`);
      expect(new Set(names).size, operationId).toBe(names.length);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(
        parameters
          .filter(parameter => parameter.in === 'path')
          .map(({ name }) => name)
          .toSorted(byText),
      ).toEqual(inPath.toSorted(byText));
      for (const { name, in: place, required, description } of parameters) {
        expect(description, `${operationId}?${name}`).toMatch(/\S/);
        expect(required === true || place !== 'path').toBe(true);
        expect(['accept', 'content-type', 'authorization']).not.toContain(name.toLowerCase());
      }
    }
  });

  it('array-items, typed-enum, oas3-unused-component', () => {
    expect(breaches(({ schema }) => typesOf(schema).includes('array') && schema.items === undefined)).toEqual([]);
    expect(breaches(({ schema }) => schema.enum !== undefined && schema.type !== 'string')).toEqual([]);
    const text = JSON.stringify(document);
    const unused = Object.entries(document.components).flatMap(([section, members]) =>
      Object.keys(members).filter(name => !text.includes(`"#/components/${section}/${name}"`)),
    );
    expect(unused).toEqual([]);
  });
});
