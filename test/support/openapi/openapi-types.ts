import {
  type ApiDocument,
  nameOf,
  operationsOf,
  type Parameter,
  type PlacedOperation,
  type Schema,
} from './openapi-schemas.js';

/**
 * TypeScript types of a document: `paths`, `components` and `operations`, in the form that openapi-typescript gives them,
 * by its defaults (a member with a default counts as present), for what our document uses. That package can take its place.
 */
export const typesOf = (document: ApiDocument): string =>
  [
    `export interface paths ${block(Object.entries(document.paths).map(([path, item]) => [path, methodsOf(item)]))}`,
    `export interface operations ${block(operationsOf(document).map(one => [one.operationId, operationType(one)]))}`,
    `export interface components { schemas: ${block(
      Object.entries(document.components.schemas).map(([name, schema]) => [name, typeOf(schema)]),
    )} }`,
  ].join('\n');

type Member = readonly [name: string, type: string, isOptional?: boolean];

const block = (members: readonly Member[]): string =>
  `{ ${members.map(([name, type, isOptional]) => `${JSON.stringify(name)}${isOptional ? '?' : ''}: ${type};`).join('\n')} }`;

const methodsOf = (item: object): string =>
  block(
    Object.entries(item as Record<string, { readonly operationId: string }>).map(([method, { operationId }]) => [
      method,
      `operations[${JSON.stringify(operationId)}]`,
    ]),
  );

function operationType({ parameters = [], requestBody, responses }: PlacedOperation): string {
  const placed = (['query', 'header', 'path'] as const).map((place): Member => {
    const members = parameters.filter(one => one.in === place);
    return [place, members.length > 0 ? block(members.map(parameterMember)) : 'never', members.every(isOptional)];
  });
  const bodyOf = (content: object = {}) =>
    block(
      Object.entries(content as Record<string, { schema: Schema }>).map(([type, { schema }]) => [type, typeOf(schema)]),
    );
  const answers = Object.entries(responses).map(
    ([status, { content }]) => `${status}: { content${content ? '' : '?'}: ${content ? bodyOf(content) : 'never'} };`,
  );
  return block([
    ['parameters', block(placed)],
    ['requestBody', requestBody ? `{ content: ${bodyOf(requestBody.content)} }` : 'never', !requestBody],
    ['responses', `{ ${answers.join('\n')} }`],
  ]);
}

const isOptional = ({ required }: Parameter): boolean => required !== true;

const parameterMember = (parameter: Parameter): Member => [
  parameter.name,
  typeOf(parameter.schema),
  isOptional(parameter),
];

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return `components["schemas"][${JSON.stringify(nameOf(schema.$ref))}]`;
  if (schema.discriminator) return memberTypes(schema).join(' | ');
  if (schema.oneOf ?? schema.anyOf) return memberTypes(schema).join(' | ');
  if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' | ');
  return [schema.type ?? 'unknown']
    .flat()
    .map(type => typeNamed(type, schema))
    .join(' | ');
}

const memberTypes = ({ oneOf, anyOf }: Schema): string[] => (oneOf ?? anyOf ?? []).map(typeOf);

function typeNamed(type: string, schema: Schema): string {
  switch (type) {
    case 'integer':
      return 'number';
    case 'array':
      return `(${typeOf(schema.items ?? {})})[]`;
    case 'object':
      return objectType(schema);
    default:
      return type;
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema): string {
  const members = Object.entries(properties ?? {}).map(([name, member]): Member => [
    name,
    typeOf(member),
    !required.includes(name) && member.default === undefined,
  ]);
  const others = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
  const rest =
    additionalProperties === undefined || additionalProperties === false ? [] : [`{ [key: string]: ${others} }`];
  return [...(members.length > 0 || rest.length === 0 ? [block(members)] : []), ...rest].join(' & ');
}
