import { type TableColumns } from './table-columns.js';

/** What is done to the values of a property beside copying them; never called with null. */
export type Conversions<Result> = { readonly [Property in keyof Result]?: (value: never) => Result[Property] };

/**
 * Compiles the function that makes a record of a row: an object with all the properties, in their order. What a row lacks
 * gets the default of its column, or null where the column may be null: a row may be JSON that was written before there was
 * the column.
 *
 * It is compiled, as MikroORM compiles its hydrators, because an object literal is the only way to make an object of many
 * properties at once, and this runs for each instance that is loaded, changed or found. A loop over the properties takes
 * many times as long, and makes objects that need more memory.
 */
export function compileRecordForm<Result>(
  { columns }: TableColumns<string>,
  conversions: Conversions<Result> = {},
): (row: object) => Result {
  const converted = new Map(Object.entries(conversions));
  const members = columns.map(({ property, isNullable, default: value }) => {
    const key = JSON.stringify(property);
    const fallback = isNullable ? 'null' : value === undefined ? undefined : JSON.stringify(value);
    const member = fallback === undefined ? `row[${key}]` : `(row[${key}] ?? ${fallback})`;
    if (!converted.has(property)) return `${key}: ${member}`;
    const convert = `convert[${key}]`;
    return isNullable
      ? `${key}: row[${key}] == null ? null : ${convert}(row[${key}])`
      : `${key}: ${convert}(${member})`;
  });
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- Names of properties are ours, and nothing else is in it.
  const compile = new Function('convert', `'use strict'; return row => ({ ${members.join(', ')} });`) as (
    convert: object,
  ) => (row: object) => Result;
  return compile({ ...conversions });
}
