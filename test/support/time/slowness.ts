/** So much work is measured, and takes so long (ms) on a server of 2023 that does nothing else. */
const DOCUMENT = { items: Array.from({ length: 200 }, (_, n) => ({ n, text: `item ${n}`, list: [n, n + 1] })) };
const ROUNDS = 1_000;
const USUAL_MS = 80;
/** What is measured is true for a while (ms), not for a whole run. */
const TRUE_FOR_MS = 30_000;
/** A machine that is slower still needs fewer workers, not tests that last for hours. */
const MOST = 4;

let measured = { factor: 1, at: -Infinity };

/**
 * How many times longer this machine takes for its work now than an idle one; 1 at least. For the times that a test must give
 * to the service (a ttl, an `until`), because what has to happen within them is work: on a fast machine they stay short. How
 * long a test waits for what must happen is no such time: that is generous everywhere (`waitFor`).
 */
export function slowness(): number {
  if (performance.now() - measured.at > TRUE_FOR_MS) measured = { factor: measure(), at: performance.now() };
  return measured.factor;
}

/** A time in whatever unit, longer on a slow machine. */
export const unhurried = (time: number): number => Math.ceil(time * slowness());

function measure(): number {
  const begun = performance.now();
  for (let n = 0; n < ROUNDS; n++) JSON.parse(JSON.stringify(DOCUMENT));
  return Math.min(MOST, Math.max(1, (performance.now() - begun) / USUAL_MS));
}
