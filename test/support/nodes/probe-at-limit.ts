import { openSync } from 'node:fs';
import { systemClock } from '@coordination/kernel';
import { ProbePolicy } from '@coordination/registry';
import { NameResolver } from '../../../libs/liveness/src/probes/names/name-resolver.js';
import { SystemNames } from '../../../libs/liveness/src/probes/names/system-names.js';
import { Prober, type ProbeTarget } from '../../../libs/liveness/src/probes/run/prober.js';

/**
 * Probes the targets of the first argument (JSON) once while the process has no free file descriptor, and prints the outcomes.
 * To be started with a low limit of descriptors.
 */
const targets = JSON.parse(process.argv[2] ?? '[]') as ProbeTarget[];
const names = new NameResolver(new SystemNames(systemClock), systemClock);
const prober = new Prober(new ProbePolicy(['127.0.0.0/8', '::1/128']), names, systemClock, { stalledMsSince: () => 0 });
const probeAll = async () => {
  const outcomes = [];
  for (const target of targets) outcomes.push(await prober.probe(target, new AbortController().signal));
  return outcomes;
};
// What is loaded and opened by the first probes is there when none is left.
const before = await probeAll();
try {
  for (;;) openSync('/dev/null', 'r');
} catch {
  // No descriptor is left.
}
const without = await probeAll();
process.stdout.write(`${JSON.stringify({ before, without })}\n`);
process.exit(0);
