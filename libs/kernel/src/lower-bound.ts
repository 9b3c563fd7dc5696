/**
 * The index of the first item that does not satisfy `isBefore`, by binary search; `to` if all do. The items that satisfy it
 * must come before those that do not.
 * @param from the first index that is searched
 * @param to the index after the last one that is searched
 */
export function lowerBound<T>(
  items: readonly T[],
  isBefore: (item: T) => boolean,
  from = 0,
  to: number = items.length,
): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(items[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
