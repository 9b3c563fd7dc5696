import { findPoison, InvalidFilterError, isStorableText, type FieldError } from '@coordination/kernel';
import { queryCommaList, queryList } from '@coordination/http';
import { INSTANCE_TYPES, STATUSES, type JsonObject, type Status } from '@coordination/registry';
import { z } from 'zod';
import { isVersionRange, type Selection } from './selection.js';

const MAX_TEXT = 1_000;
const MAX_RANGE = 256;

/** Bounds of `metadata`: comparing it costs its size times the size of what it is compared with. */
const MAX_METADATA_TEXT = 4_096;
const MAX_METADATA_DEPTH = 8;
const MAX_METADATA_VALUES = 100;

const text = (max = MAX_TEXT) =>
  z.string().min(1, 'must not be empty').max(max).refine(isStorableText, 'holds text that cannot be stored');

/** The query parameters that select instances. */
export const FILTER_PARAMETERS = {
  status: queryCommaList(z.enum([...STATUSES, 'any'])).describe(
    'Statuses, separated by commas, or `any`. The default is told by each operation.',
  ),
  type: z.enum(INSTANCE_TYPES).optional().describe('What the instances are good for.'),
  environment: text().optional().describe('`metadata.environment`, exactly.'),
  region: text().optional().describe('`metadata.region`, exactly.'),
  zone: text().optional().describe('Zone, exactly.'),
  appVersion: text(MAX_RANGE)
    .optional()
    .describe('A semver range that `metadata.version` satisfies, such as `^2.4.0` or `>=1.2 <3`.'),
  tag: queryList(text()).describe('`key=value`, or `key` for any value; repeatable, all must hold.'),
  capability: queryList(text()).describe('One of `metadata.capabilities`; repeatable, all must hold.'),
  metadata: text(MAX_METADATA_TEXT)
    .optional()
    .describe('A JSON object that the metadata contains, as `@>` of PostgreSQL has it: `{"a": {"b": 1}}`.'),
} as const;

const filterParameters = z.object(FILTER_PARAMETERS);

/** The filters of a request, checked one by one. */
export type FilterParameters = z.output<typeof filterParameters>;

/**
 * What the filters of a request select.
 * @param defaultStatuses which statuses are meant when the request says nothing of them
 * @throws InvalidFilterError for a range that is none, or metadata that cannot be compared with
 */
export function toSelection(query: FilterParameters, defaultStatuses: Selection['statuses']): Selection {
  const errors: FieldError[] = [];
  const { appVersion } = query;
  if (appVersion !== undefined && !isVersionRange(appVersion)) {
    errors.push({ path: '/query/appVersion', message: 'must be a semver range, such as ^2.4.0 or >=1.2 <3' });
  }
  const contained: JsonObject[] = [];
  if (query.environment !== undefined) contained.push({ environment: query.environment });
  if (query.region !== undefined) contained.push({ region: query.region });
  const tagKeys: string[] = [];
  for (const [n, tag] of query.tag.entries()) {
    const end = tag.indexOf('=');
    if (end === 0) errors.push({ path: `/query/tag/${n}`, message: 'must be key=value or key; the key is missing' });
    else if (end === -1) tagKeys.push(tag);
    else contained.push({ tags: { [tag.slice(0, end)]: tag.slice(end + 1) } });
  }
  for (const capability of query.capability) contained.push({ capabilities: [capability] });
  if (query.metadata !== undefined) {
    const wanted = parseObject(query.metadata, errors);
    if (wanted) contained.push(wanted);
  }
  if (errors.length > 0) throw new InvalidFilterError(errors);
  return {
    statuses: toStatuses(query.status) ?? defaultStatuses,
    type: query.type ?? null,
    zone: query.zone ?? null,
    versionRange: appVersion ?? null,
    tagKeys,
    contained,
  };
}

/** `any` beside other statuses still means any. */
function toStatuses(asked: FilterParameters['status']): Selection['statuses'] | undefined {
  if (asked === undefined) return undefined;
  const statuses = asked.filter((status): status is Status => status !== 'any');
  return statuses.length < asked.length ? 'any' : [...new Set(statuses)].sort();
}

function parseObject(json: string, errors: FieldError[]): JsonObject | undefined {
  const path = '/query/metadata';
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // told below
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    errors.push({ path, message: 'must be a JSON object' });
    return undefined;
  }
  const poison = findPoison(value, path, MAX_METADATA_DEPTH);
  errors.push(...poison.map(({ path, message }) => ({ path, message })));
  if (poison.length > 0) return undefined;
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
