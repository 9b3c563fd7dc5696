import { resolve } from 'node:path';
import { Api } from '../http/api.js';
import { type DisposableDirectory } from '../disposable-directory.js';
import { ServiceProcess } from './service-process.js';
import { PATIENCE_MS, waitFor } from '../time/wait-for.js';

const ROOT = resolve(import.meta.dirname, '../../..');

/** The service from these sources, in a process of its own. */
export interface SpawnedNode {
  readonly process: ServiceProcess;
  readonly api: Api;
}

/**
 * Starts a node on a database in a process of its own, and waits until it listens.
 * @param limits options of `ulimit`, such as `-n 300`
 */
export async function spawnNode(
  directory: DisposableDirectory,
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
  limits?: string,
): Promise<SpawnedNode> {
  const start = [process.execPath, '--import', './scripts/typescript.mjs', 'apps/coordination/src/main.ts'];
  const command = limits === undefined ? start : ['sh', '-c', `ulimit ${limits}; exec "$0" "$@"`, ...start];
  const service = ServiceProcess.start(directory, command, {
    cwd: ROOT,
    // A node that registers itself makes revisions, which tests that count them do not expect.
    env: { DATABASE_URL: databaseUrl, PCS_SELF_REGISTRATION: 'off', ...env },
  });
  return { process: service, api: new Api(await service.url()) };
}

/** Starts a node as {@link spawnNode} does, and waits until it has loaded the catalog. */
export async function spawnLoadedNode(...parameters: Parameters<typeof spawnNode>): Promise<SpawnedNode> {
  const node = await spawnNode(...parameters);
  await waitFor(
    'the catalog is loaded',
    async () => (await node.api.get('/api/v1/discovery/namespaces')).status === 200,
    PATIENCE_MS,
    () => `Output:\n${node.process.output}`,
  );
  return node;
}
