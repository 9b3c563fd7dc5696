/** How many letters must be put in, taken out or replaced to make one text of the other (Levenshtein). */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let n = 0; n < from.length; n += 1) {
    const above = row;
    row = [n + 1];
    for (let m = 1; m <= to.length; m += 1) {
      const replaced = above[m - 1]! + (from[n] === to[m - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[m]! + 1, row[m - 1]! + 1));
    }
  }
  return row.at(-1)!;
}

/** The name that was most likely meant: the nearest one, if no more than so many letters are different. */
export function likeliestName(written: string, names: readonly string[], maxDistance: number): string | undefined {
  const [nearest] = names
    .map(name => ({ name, apart: editDistance(written, name) }))
    .filter(({ apart }) => apart <= maxDistance)
    .sort((a, b) => a.apart - b.apart);
  return nearest?.name;
}
