import { queryCommaList } from '@coordination/http';
import { type InstanceView, instanceView } from '@coordination/catalog';
import { z } from 'zod';

/** A member of an instance in responses. */
export type InstanceField = keyof typeof instanceView.shape;

/** All of them, in the order of responses. */
export const INSTANCE_FIELDS = Object.keys(instanceView.shape) as readonly InstanceField[];

/** Which members of instances a response contains, in their order; null: all. */
export type Fields = readonly InstanceField[] | null;

/** The members that identify an instance in the list of its service, and in a search. Responses always contain them. */
export const NAMED_IN_SERVICE = ['instanceId'] as const satisfies InstanceField[];
export const NAMED_IN_CATALOG = ['namespace', 'service', ...NAMED_IN_SERVICE] as const satisfies InstanceField[];

/** Names may be repeated. */
const MAX_NAMES = 2 * INSTANCE_FIELDS.length;

/**
 * The query parameter that chooses members of instances.
 * @param always those that the response always contains
 */
export const fieldsParameter = (always: readonly InstanceField[]) =>
  queryCommaList(z.enum(INSTANCE_FIELDS), MAX_NAMES).describe(
    `Members of each instance in the response, separated by commas, in any order: ${list(INSTANCE_FIELDS)}. ` +
      `All of them by default; ${list(always)} always. The schema of the response is that of whole instances.`,
  );

/** The requested members: the same value for the same set of names, whatever their order and repetitions. */
export function toFields(requested: readonly InstanceField[] | undefined, always: readonly InstanceField[]): Fields {
  if (requested === undefined) return null;
  const included = new Set([...always, ...requested]);
  return included.size === INSTANCE_FIELDS.length ? null : INSTANCE_FIELDS.filter(field => included.has(field));
}

/** An instance with these members only. */
export const pick = (instance: InstanceView, fields: Fields): Partial<InstanceView> =>
  fields === null ? instance : Object.fromEntries(fields.map(field => [field, instance[field]]));

const list = (names: readonly string[]): string => names.map(name => `\`${name}\``).join(', ');
