import { type WatcherRecord } from './soak-report.js';

/**
 * How many watchers were not told exactly what the log has of their service after their snapshot, each once, in order.
 * @param revisionsOf what the log has of a service, in order
 */
export function countWrong(
  watchers: readonly WatcherRecord[],
  revisionsOf: (namespace: string, service: string) => readonly number[],
): number {
  return watchers.filter(({ namespace, service, since, told }) => {
    const expected = revisionsOf(namespace, service).filter(revision => revision > since);
    return expected.length !== told.length || expected.some((revision, n) => revision !== told[n]);
  }).length;
}
