import { type SoakReport } from './soak-report.js';

/** A run as a text for the documentation. */
export function soakText({ at, machine, database, options, done, verdicts }: SoakReport): string {
  const { minutes, nodes, instances, ttlSeconds, watchers } = options;
  const counted = Object.entries(done).map(([what, count]) => `${count.toLocaleString('en')} ${what}`);
  const rows = verdicts.map(({ what, met, seen }) => `| ${what} | ${met ? 'yes' : '**no**'} | ${seen} |`);
  return [
    `Measured ${at.slice(0, 10)}, ${machine}; ${database}: ${minutes} minutes, ${nodes} nodes, ` +
      `${instances.toLocaleString('en')} instances with a ttl of ${ttlSeconds} s, ${watchers} watchers. ` +
      `Done: ${counted.join(', ')}.`,
    ['| after the first third | | seen |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}
