import { INSTANCES } from '@coordination/catalog';
import { type JsonValue } from '@coordination/kernel';
import { type Expression, type Field, FIELDS, type Leaf, type Scalar, type Selector } from './expression.js';

/** Adds a value that a condition compares with. @returns its placeholder; values are never put into the text itself */
export type Bind = (value: unknown) => string;

const FIELD_COLUMNS = INSTANCES.only(...FIELDS).columns;

/** The columns of fields, in a relation `i`. */
const COLUMNS = Object.fromEntries(FIELD_COLUMNS.map(({ property, name }) => [property, `i.${name}`])) as Readonly<
  Record<Field, string>
>;

const NUMERIC: ReadonlySet<string> = new Set(
  FIELD_COLUMNS.filter(({ type }) => type === 'int').map(({ property }) => property),
);

/** Whether SQL can decide a leaf: it has neither RE2 patterns nor semver ranges. */
export const isDecidedInSql = ({ kind }: Leaf): boolean => kind !== 'matches' && kind !== 'version';

/**
 * The condition on a relation `i` that is true for all instances for which the expression is true; for no others, if all its
 * leaves are decided in SQL. The other leaves become true, so negations are pushed down to the leaves first. Null counts as
 * false, which only a negated leaf has to state.
 */
export function toSql(expression: Expression, bind: Bind, isNegated = false): string {
  switch (expression.kind) {
    case 'not':
      return toSql(expression.term, bind, !isNegated);
    case 'and':
    case 'or': {
      const sign = (expression.kind === 'and') === isNegated ? ' or ' : ' and ';
      return `(${expression.terms.map(term => toSql(term, bind, isNegated)).join(sign)})`;
    }
    default: {
      if (!isDecidedInSql(expression)) return 'true';
      const condition = leafSql(expression, bind);
      return isNegated ? `(${condition}) is not true` : condition;
    }
  }
}

function leafSql(leaf: Leaf, bind: Bind): string {
  switch (leaf.kind) {
    case 'equal':
      return equalSql(leaf.of, leaf.anyOf, bind);
    case 'ordered':
      return orderedSql(leaf, bind);
    case 'contains':
      return containsSql(leaf.of, leaf.value, bind);
    case 'empty':
      return emptySql(leaf.of, bind);
    case 'present':
      return `${valueSql(leaf.of, bind)} is not null`;
    case 'within-metadata':
      return `i.metadata @> ${bind(JSON.stringify(leaf.wanted))}::jsonb`;
    case 'version':
    case 'matches':
      return 'true';
    default: {
      const impossible: never = leaf;
      return impossible;
    }
  }
}

/** Equality in the metadata is containment, which the index supports. */
function equalSql(of: Selector, anyOf: readonly Scalar[], bind: Bind): string {
  if (of[0] === 'metadata') {
    const [, ...keys] = of;
    const conditions = anyOf.map(value => `i.metadata @> ${bind(JSON.stringify(nest(keys, value)))}::jsonb`);
    return `(${conditions.join(' or ')})`;
  }
  const column = COLUMNS[of[0]];
  const type = NUMERIC.has(of[0]) ? 'numeric' : 'text';
  const values = anyOf.filter(value => value !== null);
  const [first] = values;
  const conditions: string[] = [];
  if (values.length < anyOf.length) conditions.push(`${column} is null`);
  if (values.length === 1) conditions.push(`${column} = ${bind(String(first))}::${type}`);
  if (values.length > 1) conditions.push(`${column} = any(${bind(values.map(String))}::${type}[])`);
  return `(${conditions.join(' or ')})`;
}

function nest(keys: readonly string[], value: Scalar): JsonValue {
  return keys.reduceRight<JsonValue>((inner, key) => ({ [key]: inner }), value);
}

/** `case` fixes the order of evaluation, so that no text is cast to a number. */
function orderedSql({ of, by, than }: Leaf & { readonly kind: 'ordered' }, bind: Bind): string {
  const isNumber = typeof than === 'number';
  const other = isNumber ? `${bind(String(than))}::numeric` : `${bind(than)}::text`;
  if (of[0] !== 'metadata') {
    const column = COLUMNS[of[0]];
    return isNumber ? `${column} ${by} ${other}` : `${column} collate "C" ${by} ${other}`;
  }
  const value = valueSql(of, bind);
  const inside = isNumber ? `${value}::numeric` : `(${value} #>> '{}') collate "C"`;
  const type = isNumber ? 'number' : 'string';
  return `case when jsonb_typeof(${value}) = '${type}' then ${inside} ${by} ${other} end`;
}

function containsSql(of: Selector, wanted: Scalar, bind: Bind): string {
  const part = typeof wanted === 'string' ? `${bind(wanted)}::text` : undefined;
  if (of[0] !== 'metadata') return `strpos(${COLUMNS[of[0]]}, ${part ?? 'null'}) > 0`;
  const value = valueSql(of, bind);
  const cases = [`when 'array' then ${value} @> ${bind(JSON.stringify([wanted]))}::jsonb`];
  if (part !== undefined) {
    cases.push(`when 'string' then strpos(${value} #>> '{}', ${part}) > 0`);
    cases.push(`when 'object' then ${value} -> ${part} is not null`);
  }
  return `case jsonb_typeof(${value}) ${cases.join(' ')} end`;
}

function emptySql(of: Selector, bind: Bind): string {
  if (of[0] !== 'metadata') return `coalesce(${COLUMNS[of[0]]}::text, '') = ''`;
  return `coalesce(${valueSql(of, bind)}, 'null') in ('null'::jsonb, '""', '[]', '{}')`;
}

/** `->` with text finds members of objects only, never elements of arrays. */
function valueSql(of: Selector, bind: Bind): string {
  if (of[0] !== 'metadata') return COLUMNS[of[0]];
  const [, ...keys] = of;
  return `(i.metadata${keys.map(key => ` -> ${bind(key)}::text`).join('')})`;
}
