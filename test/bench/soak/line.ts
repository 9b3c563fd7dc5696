/** A straight line through points. */
export interface Line {
  /** Per unit of x. */
  readonly slope: number;
  /** How uncertain the slope is: one standard error. */
  readonly error: number;
}

/** The line through points by least squares; NaN for fewer than three. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Line {
  const n = points.length;
  if (n < 3) return { slope: Number.NaN, error: Number.NaN };
  const mean = (place: 0 | 1) => points.reduce((sum, point) => sum + point[place], 0) / n;
  const [meanX, meanY] = [mean(0), mean(1)];
  let xx = 0;
  let xy = 0;
  for (const [x, y] of points) {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * (y - meanY);
  }
  const slope = xy / xx;
  const left = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(left / (n - 2) / xx) };
}
