import { type JsonObject } from '@coordination/kernel';

/** A value that a filter can compare with. */
export type Scalar = string | number | boolean | null;

/** Fields of an instance that are values of their own. */
export const FIELDS = [
  'namespace',
  'service',
  'instanceId',
  'incarnation',
  'incarnationNumber',
  'type',
  'scheme',
  'status',
  'host',
  'port',
  'zone',
  'weight',
] as const;
export type Field = (typeof FIELDS)[number];

/** Identifies a value of an instance: a field, or the metadata and a path of keys in them. Arrays have no keys. */
export type Selector = readonly [Field] | readonly ['metadata', ...string[]];

export const ORDERS = ['<', '<=', '>', '>='] as const;
export type Order = (typeof ORDERS)[number];

/** A condition on a single value of an instance, or on its metadata. For a missing value, all are false but `empty`. */
export type Leaf =
  /** The value is one of these, and of the same JSON type; numbers are equal as numbers are. */
  | { readonly kind: 'equal'; readonly of: Selector; readonly anyOf: readonly Scalar[] }
  /** The value has the type of `than`, number or text, and this order to it; texts are compared by code points. */
  | { readonly kind: 'ordered'; readonly of: Selector; readonly by: Order; readonly than: string | number }
  /** An array contains this element, a text this part, an object this key. */
  | { readonly kind: 'contains'; readonly of: Selector; readonly value: Scalar }
  /** A part of a text matches this RE2 pattern. */
  | { readonly kind: 'matches'; readonly of: Selector; readonly pattern: string }
  /** The value is absent, null, or a text, array or object with nothing in it. */
  | { readonly kind: 'empty'; readonly of: Selector }
  /** The value exists; it may be null. */
  | { readonly kind: 'present'; readonly of: Selector }
  /** The metadata contain this by the rules of PostgreSQL's `jsonb @>`. */
  | { readonly kind: 'within-metadata'; readonly wanted: JsonObject }
  /** The metadata's `version` is in this semver range. */
  | { readonly kind: 'version'; readonly range: string };

/**
 * A condition on an instance; plain JSON. Every expression is either true or false for every instance, so that `not` is the
 * exact opposite: a comparison with a missing value is false, and its negation true.
 */
export type Expression =
  | Leaf
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expression[] }
  | { readonly kind: 'not'; readonly term: Expression };

/** The conjunction of terms; null when there are none. */
export function allOf(terms: readonly Expression[]): Expression | null {
  if (terms.length < 2) return terms[0] ?? null;
  return { kind: 'and', terms: terms.flatMap(term => (term.kind === 'and' ? term.terms : [term])) };
}

/** Whether an expression contains a pattern. */
export const hasPattern = (expression: Expression): boolean =>
  leavesOf(expression).some(({ kind }) => kind === 'matches');

/** The leaves of an expression, from left to right. */
export function leavesOf(expression: Expression): readonly Leaf[] {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return expression.terms.flatMap(leavesOf);
    case 'not':
      return leavesOf(expression.term);
    default:
      return [expression];
  }
}
