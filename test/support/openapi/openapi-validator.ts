import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type ApiDocument, type Schema } from './openapi-schemas.js';

/** What is wrong with a value, in words; nothing if it is what the schema says. */
export type Validate = (schema: Schema, value: unknown) => string[];

/** Judges values by the schemas of a document, formats included. */
export function validatorOf(document: ApiDocument): Validate {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  // JSON Schema leaves the meaning of these to OpenAPI.
  ajv.addFormat('int32', { type: 'number', validate: value => Math.abs(value) < 2 ** 31 });
  ajv.addFormat('int64', { type: 'number', validate: value => Number.isSafeInteger(value) });
  ajv.addFormat('double', true);
  ajv.addSchema({ $id: 'api', ...document });
  const known = new Map<string, ReturnType<Ajv2020['compile']>>();
  return (schema, value) => {
    const text = JSON.stringify(schema).replaceAll('"#/', '"api#/');
    const validate = known.get(text) ?? ajv.compile(JSON.parse(text) as object);
    known.set(text, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath || '/', message, JSON.stringify(params)].join(' '),
    );
  };
}

/** The same document, but what answers may grow by is closed: so members that it does not name are found. */
export function closed<T>(node: T): T {
  if (Array.isArray(node)) return node.map(child => closed<unknown>(child)) as T;
  if (typeof node !== 'object' || node === null) return node;
  const object = Object.fromEntries(Object.entries(node).map(([key, child]) => [key, closed<unknown>(child)]));
  const isOpen =
    object['type'] === 'object' && object['properties'] !== undefined && !('additionalProperties' in object);
  return (isOpen ? { ...object, additionalProperties: false } : object) as T;
}
