import { lowerBound } from '@coordination/kernel';
import { joinedIfSmall, SharedBody } from '@coordination/http';
import { type Turn } from '@coordination/scheduling';

/** How many items a piece has when it is made. Later changes make pieces of up to twice, and at least a quarter as many. */
export const PIECE_ITEMS = 128;

/** Consecutive items of a list, and their JSON. */
export interface Piece<Item extends object> {
  /** An item that changes is replaced by another object. */
  readonly items: readonly Item[];
  /** The JSON of each item, with a comma before it. */
  readonly bytes: Buffer;
}

/** How items are sorted, and their JSON. */
export interface Encoding<Item extends object> {
  /** The items are sorted by this, in the order of code units; it is the same for the item that replaces another. */
  readonly keyOf: (item: Item) => string;
  readonly jsonOf: (item: Item) => string;
}

/**
 * The JSON of items in pieces. Of an earlier list, the pieces without a change are used again.
 * @param earlier the pieces of an earlier list
 */
export async function encodePieces<Item extends object>(
  items: readonly Item[],
  earlier: readonly Piece<Item>[],
  { keyOf, jsonOf }: Encoding<Item>,
  turn: Turn,
): Promise<readonly Piece<Item>[]> {
  const pieces: Piece<Item>[] = [];
  for (const group of grouped(items, earlier, keyOf)) {
    if (!Array.isArray(group)) {
      pieces.push(group as Piece<Item>);
      continue;
    }
    let text = '';
    for (const item of group as readonly Item[]) {
      if (turn.isOver) await turn.next();
      text += `,${jsonOf(item)}`;
    }
    pieces.push({ items: group as readonly Item[], bytes: SharedBody.bytesOf(text) });
  }
  return pieces;
}

/** The body of a list: the first item has no comma before it. */
export function bodyOfPieces(begin: string, pieces: readonly Piece<object>[], end: string): string | SharedBody {
  const bytes = pieces.map((piece, n) => (n === 0 ? piece.bytes.subarray(1) : piece.bytes));
  return joinedIfSmall([SharedBody.bytesOf(begin), ...bytes, SharedBody.bytesOf(end)]);
}

/** Pieces to use again, and the items of new ones. */
function* grouped<Item extends object>(
  items: readonly Item[],
  earlier: readonly Piece<Item>[],
  keyOf: (item: Item) => string,
): Generator<Piece<Item> | readonly Item[], void> {
  let changed: readonly Item[] = [];
  let from = 0;
  for (const [n, piece] of earlier.entries()) {
    const last = keyOf(piece.items.at(-1)!);
    const to = n === earlier.length - 1 ? items.length : lowerBound(items, item => keyOf(item) <= last, from);
    if (isSame(piece.items, items, from, to)) {
      yield* chunksOf(changed);
      changed = [];
      yield piece;
    } else {
      changed = changed.concat(items.slice(from, to));
      // A few items are put together with those of the next piece, so that pieces do not become ever smaller.
      if (changed.length >= PIECE_ITEMS / 4) {
        yield* chunksOf(changed);
        changed = [];
      }
    }
    from = to;
  }
  yield* chunksOf(changed.concat(items.slice(from)));
}

function isSame<Item>(known: readonly Item[], items: readonly Item[], from: number, to: number): boolean {
  return known.length === to - from && known.every((item, n) => item === items[from + n]);
}

function* chunksOf<Item>(items: readonly Item[]): Generator<readonly Item[], void> {
  if (items.length > 0 && items.length <= 2 * PIECE_ITEMS) yield items;
  else for (let from = 0; from < items.length; from += PIECE_ITEMS) yield items.slice(from, from + PIECE_ITEMS);
}
