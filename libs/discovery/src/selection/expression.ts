import { type JsonObject } from '@coordination/catalog';

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

/** Names a value of an instance: a field, or the metadata and the keys that lead into them. Arrays have no keys. */
export type Selector = readonly [Field] | readonly ['metadata', ...string[]];

export const ORDERS = ['<', '<=', '>', '>='] as const;
export type Order = (typeof ORDERS)[number];

/** Something that is true or false of a single value of an instance, or of its metadata. Of what is absent, all are false but `empty`. */
export type Leaf =
  /** The value is one of these, and of the same JSON type; numbers are equal as numbers are. */
  | { readonly kind: 'equal'; readonly of: Selector; readonly anyOf: readonly Scalar[] }
  /** The value is a number, or a text by code points, as the other side is, and has this order to it. */
  | { readonly kind: 'ordered'; readonly of: Selector; readonly by: Order; readonly than: string | number }
  /** An array has this element, a text this part, an object this key. */
  | { readonly kind: 'contains'; readonly of: Selector; readonly value: Scalar }
  /** A text has a part that this RE2 pattern describes. */
  | { readonly kind: 'matches'; readonly of: Selector; readonly pattern: string }
  /** The value is absent, null, or a text, array or object with nothing in it. */
  | { readonly kind: 'empty'; readonly of: Selector }
  /** There is a value, be it null. */
  | { readonly kind: 'present'; readonly of: Selector }
  /** The metadata contain this, as PostgreSQL's `jsonb @>` has it. */
  | { readonly kind: 'within-metadata'; readonly wanted: JsonObject }
  /** The metadata's `version` is in this semver range. */
  | { readonly kind: 'version'; readonly range: string };

/**
 * What can be asked of an instance; plain JSON. Every expression is true or false of every instance, never undecided, so
 * that `not` is the exact opposite: the comparison with what is absent is false, and its negation true.
 */
export type Expression =
  | Leaf
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expression[] }
  | { readonly kind: 'not'; readonly term: Expression };

/** All of these; null when there are none. */
export function allOf(terms: readonly Expression[]): Expression | null {
  if (terms.length < 2) return terms[0] ?? null;
  return { kind: 'and', terms: terms.flatMap(term => (term.kind === 'and' ? term.terms : [term])) };
}

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
