import {
  type FieldError,
  findUnstorable,
  InvalidFilterError,
  isStorableText,
  type JsonObject,
} from '@coordination/kernel';
import { queryCommaList, queryList } from '@coordination/http';
import { hostFilterSchema, instanceTypeSchema, type Status, STATUSES } from '@coordination/catalog';
import { z } from 'zod';
import { allOf, type Expression, type Field } from '../selection/expression.js';
import { createFilterParser } from './parse-filter.js';
import { FILTER_DESCRIPTION } from './filter-description.js';
import { type Selection } from '../selection/selection.js';
import { isVersionRange } from '../selection/version-range.js';

const MAX_TEXT = 1_000;
const MAX_RANGE = 256;

/** The longest zone that there can be. */
const MAX_ZONE = 100;

/** Characters of a repeatable value: all of them, and all other parameters, fit into one request. */
const MAX_LISTED = 300;

/** Characters of a filter expression; the parser bounds the rest. */
const MAX_FILTER = 2_000;

/** Bounds of `metadata`: comparing it costs its size times the size of what it is compared with. */
const MAX_METADATA_TEXT = 4_096;
const MAX_METADATA_DEPTH = 8;
const MAX_METADATA_VALUES = 100;

const text = (max = MAX_TEXT) =>
  z.string().min(1, 'must not be empty').max(max).refine(isStorableText, 'holds text that cannot be stored');

/** The query parameters that select instances. */
export const FILTER_PARAMETERS = {
  status: queryCommaList(z.enum([...STATUSES, 'any']).meta({ id: 'StatusFilter' })).describe(
    'Statuses, separated by commas, or `any`. Default: `healthy,degraded` for the instances of a service and for `resolve`, `any` for everything else.',
  ),
  type: instanceTypeSchema.optional().describe('The type of the instances.'),
  environment: text().optional().describe('The exact value of `metadata.environment`.'),
  region: text().optional().describe('The exact value of `metadata.region`.'),
  host: hostFilterSchema.optional().describe('DNS name or address of the instances, in any spelling.'),
  zone: text(MAX_ZONE).optional().describe('The exact zone.'),
  appVersion: text(MAX_RANGE)
    .optional()
    .describe('A semver range that `metadata.version` satisfies, such as `^2.4.0` or `>=1.2 <3`.'),
  tag: queryList(text(MAX_LISTED)).describe('`key=value`, or `key` for any value; repeatable, all must be present.'),
  capability: queryList(text(MAX_LISTED)).describe(
    'An element of `metadata.capabilities`; repeatable, all must be present.',
  ),
  metadata: text(MAX_METADATA_TEXT)
    .optional()
    .describe('A JSON object that the metadata contains, by the rules of `@>` in PostgreSQL: `{"a": {"b": 1}}`.'),
  filter: text(MAX_FILTER).optional().describe(FILTER_DESCRIPTION),
} as const;

const filterParameters = z.object(FILTER_PARAMETERS);

/** It keeps no state between two texts. */
const parseFilter = createFilterParser();

/** The filters of a request, checked one by one. */
export type FilterParameters = z.output<typeof filterParameters>;

/**
 * The selection of the filters of a request: all parameters become terms of one expression.
 * @param defaultStatuses the statuses when the parameter `status` is absent
 * @throws InvalidFilterError for an invalid semver range, metadata that cannot be compared, or an invalid expression
 */
export function toSelection(query: FilterParameters, defaultStatuses: Selection['statuses']): Selection {
  const errors: FieldError[] = [];
  const { type, host, zone, environment, region, appVersion, metadata, filter } = query;
  const terms: Expression[] = [];
  if (type !== undefined) terms.push(fieldIs('type', type));
  if (host !== undefined) terms.push({ kind: 'equal', of: ['host'], anyOf: host });
  if (zone !== undefined) terms.push(fieldIs('zone', zone));
  if (environment !== undefined) terms.push(metadataHave({ environment }));
  if (region !== undefined) terms.push(metadataHave({ region }));
  if (appVersion !== undefined) {
    if (isVersionRange(appVersion)) terms.push({ kind: 'version', range: appVersion });
    else errors.push({ path: '/query/appVersion', message: 'must be a semver range, such as ^2.4.0 or >=1.2 <3' });
  }
  for (const [n, tag] of query.tag.entries()) {
    const end = tag.indexOf('=');
    if (end === 0) errors.push({ path: `/query/tag/${n}`, message: 'must be key=value or key; the key is missing' });
    else if (end === -1) terms.push({ kind: 'present', of: ['metadata', 'tags', tag] });
    else terms.push(metadataHave({ tags: { [tag.slice(0, end)]: tag.slice(end + 1) } }));
  }
  for (const capability of query.capability) terms.push(metadataHave({ capabilities: [capability] }));
  const wanted = metadata === undefined ? undefined : parseObject(metadata, errors);
  if (wanted) terms.push(metadataHave(wanted));
  const expression = filter === undefined ? undefined : parseExpression(filter, errors);
  if (expression) terms.push(expression);
  if (errors.length > 0) throw new InvalidFilterError(errors);
  return { statuses: toStatuses(query.status) ?? defaultStatuses, where: allOf(terms) };
}

const fieldIs = (field: Field, value: string): Expression => ({ kind: 'equal', of: [field], anyOf: [value] });

const metadataHave = (wanted: JsonObject): Expression => ({ kind: 'within-metadata', wanted });

function parseExpression(filter: string, errors: FieldError[]): Expression | undefined {
  const parsed = parseFilter(filter);
  if ('expression' in parsed) return parsed.expression;
  errors.push({ path: '/query/filter', message: parsed.complaint });
  return undefined;
}

/** `any` beside other statuses still means any. */
function toStatuses(given: FilterParameters['status']): Selection['statuses'] | undefined {
  if (given === undefined) return undefined;
  const statuses = given.filter((status): status is Status => status !== 'any');
  return statuses.length < given.length ? 'any' : [...new Set(statuses)].sort();
}

function parseObject(json: string, errors: FieldError[]): JsonObject | undefined {
  const path = '/query/metadata';
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The check below reports it.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    errors.push({ path, message: 'must be a JSON object' });
    return undefined;
  }
  const problems = findUnstorable(value, path, MAX_METADATA_DEPTH);
  errors.push(...problems.map(({ path, message }) => ({ path, message })));
  if (problems.length > 0) return undefined;
  if (countValues(value) > MAX_METADATA_VALUES) {
    errors.push({ path, message: `must not hold more than ${MAX_METADATA_VALUES} values` });
    return undefined;
  }
  return value as JsonObject;
}

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, member) => sum + countValues(member), 1);
}
