import process from 'node:process';

/** The lowest major version of Node.js that every dependency supports. */
export const REQUIRED_NODE_MAJOR = 24;

/**
 * Ends the process with one line if its Node.js is too old. npm scripts run on the binary that `npm install` installs; a
 * script that is called directly may not.
 */
export function requireNode(version = process.versions.node) {
  if (Number.parseInt(version, 10) >= REQUIRED_NODE_MAJOR) return;
  process.stderr.write(
    `Node.js ${REQUIRED_NODE_MAJOR} or newer is required, this is ${version}: ` +
      'run it with npm or make, which use the Node.js of node_modules/.bin, or install a newer version.\n',
  );
  process.exit(1);
}
