import { queryCommaList } from '@coordination/http';
import { type InstanceView, instanceView } from '@coordination/catalog';
import { z } from 'zod';

/** A member of an instance in answers. */
export type InstanceField = keyof typeof instanceView.shape;

/** All of them, in the order in which answers have them. */
export const INSTANCE_FIELDS = Object.keys(instanceView.shape) as readonly InstanceField[];

/** Which members of instances an answer has, in their order; null: all. */
export type Fields = readonly InstanceField[] | null;

/** What names an instance in the list of its service, and in a search. An answer without it could not be used. */
export const NAMED_IN_SERVICE = ['instanceId'] as const satisfies InstanceField[];
export const NAMED_IN_CATALOG = ['namespace', 'service', ...NAMED_IN_SERVICE] as const satisfies InstanceField[];

/** Names may come more than once. */
const MAX_NAMES = 2 * INSTANCE_FIELDS.length;

/**
 * The query parameter that chooses members of instances.
 * @param always those that are in the answer, whether they are asked for or not
 */
export const fieldsParameter = (always: readonly InstanceField[]) =>
  queryCommaList(z.enum(INSTANCE_FIELDS), MAX_NAMES).describe(
    `Members of each instance that the answer has, separated by commas, in any order: ${list(INSTANCE_FIELDS)}. ` +
      `All of them, if it is absent; ${list(always)} always. The schema of the answer is that of whole instances.`,
  );

/** The members that are asked for: the same value for the same set of names, in whatever order and however often they come. */
export function toFields(asked: readonly InstanceField[] | undefined, always: readonly InstanceField[]): Fields {
  if (asked === undefined) return null;
  const wanted = new Set([...always, ...asked]);
  return wanted.size === INSTANCE_FIELDS.length ? null : INSTANCE_FIELDS.filter(field => wanted.has(field));
}

/** An instance with these members only. */
export const pick = (instance: InstanceView, fields: Fields): Partial<InstanceView> =>
  fields === null ? instance : Object.fromEntries(fields.map(field => [field, instance[field]]));

const list = (names: readonly string[]): string => names.map(name => `\`${name}\``).join(', ');
