// Preloaded into a node of the bench that must read other files than those of the system, such as /etc/resolv.conf: what it reads
// with node:fs/promises. BENCH_REPLACED_FILES is a JSON object: the path that the node names, and the file that it gets instead.
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

const replaced = new Map(Object.entries(JSON.parse(process.env.BENCH_REPLACED_FILES ?? '{}')));

for (const name of ['readFile', 'stat']) {
  const original = promises[name];
  promises[name] = (path, ...rest) => original(replaced.get(path) ?? path, ...rest);
}
// Modules that import these functions by name get the new ones, too.
syncBuiltinESMExports();
