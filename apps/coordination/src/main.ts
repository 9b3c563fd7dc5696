import process from 'node:process';

/** The lowest major version of Node.js that every dependency supports. */
const REQUIRED_NODE_MAJOR = 24;

// This check runs before any other import, because an older Node.js would fail inside a dependency.
if (Number.parseInt(process.versions.node, 10) >= REQUIRED_NODE_MAJOR) {
  const { limitHeap } = await import('./limit-heap.js');
  limitHeap();
  const { run } = await import('./run.js');
  await run();
} else {
  process.stderr.write(
    `Node.js ${REQUIRED_NODE_MAJOR} or newer is required, this is ${process.versions.node}: use \`npm start\`, or install a newer version.\n`,
  );
  process.exitCode = 1;
}
