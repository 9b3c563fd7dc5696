import { type Measured } from '../bench-case.js';

const MICROS = 1e6;

/**
 * Processor time of each operation (µs): of all that was done while the processor was looked at. Where operations are not
 * counted, that of a second over the rate, which differs by as much as load and look begin and end at other times.
 */
export function microsEach(run: Measured, cores: number | undefined): number | undefined {
  const { operations, busySeconds, perSecond } = run;
  if (cores === undefined) return undefined;
  if (operations === 0 || perSecond === 0) return undefined;
  if (operations !== undefined && busySeconds !== undefined) return (cores * busySeconds * MICROS) / operations;
  return perSecond === undefined ? undefined : (cores * MICROS) / perSecond;
}
