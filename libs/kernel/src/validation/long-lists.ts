import { z } from 'zod';

/** What zod makes of one value: its output, and its issues. */
type Payload = z.core.ParsePayload;

/** The results of items that were checked before the list that contains them. */
export class CheckedItems {
  private readonly results = new Map<unknown, Payload>();

  /** Checks one item. */
  check(schema: z.ZodType, item: unknown): void {
    // Two values that are no objects may be the same, but need two results. They are checked with the whole.
    if (typeof item !== 'object' || item === null || this.results.has(item)) return;
    this.results.set(item, schema._zod.run({ value: item, issues: [] }, { async: false }) as Payload);
  }

  /** Checks a value that contains the items. */
  checkWhole(schema: z.ZodType, value: unknown): z.ZodSafeParseResult<unknown> {
    const context: Pick<Context, 'checkedItems'> = { checkedItems: this };
    return schema.safeParse(value, context as z.core.ParseContext<z.core.$ZodIssue>);
  }

  /** The result of an item, which can be used once, because zod completes it. */
  take(item: unknown): Payload | undefined {
    const result = this.results.get(item);
    this.results.delete(item);
    return result;
  }
}

/** What zod hands to each schema while it parses a value. */
interface Context extends z.core.ParseContextInternal {
  readonly checkedItems?: CheckedItems;
}

const IS_CHECKED_ONE_BY_ONE = Symbol('items of this schema are checked one by one');

/** Shorter lists are checked with the value that contains them. */
const LEAST_ITEMS = 16;

/**
 * Marks the schema of the items of a list that takes long to check. Whoever checks the list can then check its items one by
 * one, with other work in between, and use the results in the check of the whole value ({@link CheckedItems}). That finds the same errors as otherwise, with the same paths and in the same order.
 */
export function itemOfLongList<Schema extends z.ZodType>(schema: Schema): Schema {
  const internals = schema._zod;
  const run = internals.run.bind(internals);
  internals.run = (payload, context) => (context as Context).checkedItems?.take(payload.value) ?? run(payload, context);
  return Object.assign(schema, { [IS_CHECKED_ONE_BY_ONE]: true });
}

/** A list in a value whose items can be checked one by one. */
export interface LongList {
  readonly itemSchema: z.ZodType;
  readonly items: readonly unknown[];
}

/** The keys of an object schema at which there may be such lists, with the schemas of the lists. */
export function longListKeys(schema: unknown): readonly (readonly [key: string, list: z.ZodArray<z.ZodType>])[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, unknown>).flatMap(([key, of]) => {
    const list = of instanceof z.ZodOptional ? of.unwrap() : of;
    return isLongList(list) ? [[key, list] as const] : [];
  });
}

const isLongList = (schema: unknown): schema is z.ZodArray<z.ZodType> =>
  schema instanceof z.ZodArray && IS_CHECKED_ONE_BY_ONE in (schema.element as object);

/**
 * The long lists in a value, of those at the keys of {@link longListKeys}. A list with more items than its schema allows is none:
 * zod refuses it before it looks at an item.
 */
export function longListsIn(keys: ReturnType<typeof longListKeys>, value: unknown): LongList[] {
  if (typeof value !== 'object' || value === null) return [];
  return keys.flatMap(([key, list]) => {
    const items: unknown = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    if (!Array.isArray(items) || items.length < LEAST_ITEMS || items.length > maxLength(list)) return [];
    return [{ itemSchema: list.element, items }];
  });
}

const maxLength = (list: z.ZodArray<z.ZodType>): number =>
  Math.min(
    ...(list._zod.def.checks ?? []).map(({ _zod: { def } }) => ('maximum' in def ? Number(def.maximum) : Infinity)),
  );
