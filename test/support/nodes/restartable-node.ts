import { type Api } from '../http/api.js';
import { type DisposableDirectory } from '../disposable-directory.js';
import { lastingPort } from '../database/lasting-port.js';
import { type SpawnedNode, spawnLoadedNode } from './spawned-node.js';

/** A node in a process of its own that can be killed and started again under the same URL. */
export class RestartableNode implements SpawnedNode {
  private constructor(
    private readonly launch: (port: string) => Promise<SpawnedNode>,
    private current: SpawnedNode,
    readonly api: Api,
  ) {}

  /** Starts a node, and waits until it has loaded the catalog. */
  static async start(
    directory: DisposableDirectory,
    databaseUrl: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<RestartableNode> {
    const launch = (port: string) => spawnLoadedNode(directory, databaseUrl, { ...env, PORT: port });
    const node = await launch(String(await lastingPort()));
    return new RestartableNode(launch, node, node.api);
  }

  get process(): SpawnedNode['process'] {
    return this.current.process;
  }

  /** Kills it at once, whatever it is doing. */
  async kill(): Promise<void> {
    this.process.signal('SIGKILL');
    await this.process.ended;
  }

  /** Starts it again, and waits until it has loaded the catalog. */
  async startAgain(): Promise<void> {
    this.current = await this.launch(new URL(this.api.url).port);
  }
}
