/** Statuses from the first to the second. */
type Range = readonly [number, number];

/** The ranges of a text such as `200-299,304`; undefined when it is not a list of final statuses (200 to 599). */
export function statusRanges(text: string): readonly Range[] | undefined {
  const ranges: Range[] = [];
  for (const part of text.split(',')) {
    const [, first, last = first] = /^([2-5]\d\d)(?:-([2-5]\d\d))?$/.exec(part) ?? [];
    if (first === undefined || Number(first) > Number(last)) return undefined;
    ranges.push([Number(first), Number(last)]);
  }
  return ranges;
}

/** Whether a status is one of those that a check expects. */
export const isExpectedStatus = (status: number, expected: string): boolean =>
  (statusRanges(expected) ?? []).some(([first, last]) => first <= status && status <= last);
