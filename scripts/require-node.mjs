import process from 'node:process';

/** The lowest major version of Node.js that every dependency supports. */
export const REQUIRED_NODE_MAJOR = 24;

/**
 * Ends the process with one clear line when it runs on a Node.js that is too old. npm scripts run on the
 * binary that `npm install` brings; a script called directly may not.
 */
export function requireNode(version = process.versions.node) {
  if (Number.parseInt(version, 10) >= REQUIRED_NODE_MAJOR) return;
  process.stderr.write(
    `Node.js ${REQUIRED_NODE_MAJOR} or newer is needed, this is ${version}: ` +
      'run it through npm or make, which use the Node.js of node_modules/.bin, or install a newer one.\n',
  );
  process.exit(1);
}
