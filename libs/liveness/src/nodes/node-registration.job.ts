import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { failureText, IncarnationEndedError, InstanceNotFoundError, newId, repeat } from '@coordination/kernel';
import { type BackgroundTask } from '@coordination/observability';
import {
  type InstanceIdentity,
  type RegisterCommand,
  type RegistryService,
  registration,
} from '@coordination/registry';
import { type HeartbeatsService } from '../heartbeats.service.js';
import { type NodeAddress } from './node-address.js';

/** Under which name the nodes of this service are in their own catalog. */
export const NODE_NAMESPACE = 'system';
export const NODE_SERVICE = 'platform-coordination';

/** So many renewals fit into one time to live: two may get lost before the lease ends. */
const RENEWALS_PER_TTL = 3;
/** Pause (ms) before registering is tried again, roughly. */
const RETRY_MS = 500;
/** A node that was killed and does not come back under its name is forgotten after this time (s). */
const DEREGISTER_AFTER_SECONDS = 300;
/** How long (ms) the end of the process waits for its deregistration. */
const FAREWELL_MS = 2_000;

export interface NodeRegistrationOptions {
  readonly registry: Pick<RegistryService, 'register' | 'deregister'>;
  readonly heartbeats: Pick<HeartbeatsService, 'renew'>;
  readonly task: BackgroundTask;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly enabled: boolean;
  /** Seconds without renewal after which others take the node for dead. */
  readonly ttlSeconds: number;
}

/**
 * Keeps this node registered in the catalog as an instance like any other, so that nodes know of each other. It renews
 * itself, comes back when it was removed, and leaves when the process ends in order. Each process is an incarnation of its
 * own: one that ends late takes nothing away from the one that has started under its name.
 */
export class NodeRegistration implements OnModuleDestroy {
  private readonly logger = new Logger('Nodes');
  private readonly ending = new AbortController();
  private readonly incarnation = newId();
  private isReplaced = false;
  private identity: InstanceIdentity | undefined;
  /** Undefined until the tables are there: before, there is nothing to take back. */
  private running: Promise<void> | undefined;

  constructor(private readonly options: NodeRegistrationOptions) {}

  /** The name of this node among the nodes; undefined while it has none, or takes no part. */
  get nodeId(): string | undefined {
    return this.identity?.instanceId;
  }

  /** To be called when the node listens, and so knows its port. */
  begin(address: NodeAddress, version: string): void {
    if (!this.options.enabled || this.identity !== undefined) return;
    // A command for each try, because it carries the id of an instance that is new, and ids never come back.
    const command = () => nodeCommand(address, version, this.options.ttlSeconds, this.incarnation);
    const { identity } = command();
    this.identity = identity;
    void this.options.ready.then(() => this.start(command, identity));
  }

  async onModuleDestroy(): Promise<void> {
    this.ending.abort();
    const { identity, running } = this;
    if (!identity || !running) return;
    // The database may be away: the process must end all the same.
    const farewell = running.then(() => this.leave(identity));
    await Promise.race([farewell, delay(FAREWELL_MS, undefined, { ref: false })]);
  }

  private start(command: () => RegisterCommand, identity: InstanceIdentity): void {
    if (!this.ending.signal.aborted) this.running = this.run(command, identity);
  }

  private async run(command: () => RegisterCommand, identity: InstanceIdentity): Promise<void> {
    let known = false;
    const { task } = this.options;
    const turn = async () => {
      try {
        known = await task.turn(() => (known ? this.renew(identity) : this.register(command())), this.ending.signal);
      } catch {
        // The task has noted it. A node that was registered renews itself at the usual pace.
      }
      return known ? undefined : RETRY_MS * (0.5 + Math.random());
    };
    const everyMs = (this.options.ttlSeconds * 1_000) / RENEWALS_PER_TTL;
    await repeat(turn, { everyMs, signal: this.ending.signal });
  }

  private async register(command: RegisterCommand): Promise<true> {
    await this.options.registry.register(command);
    return true;
  }

  /** @returns false when somebody has removed this node: then it registers again */
  private async renew(identity: InstanceIdentity): Promise<boolean> {
    try {
      await this.options.heartbeats.renew({ identity }, this.incarnation);
      return true;
    } catch (error) {
      if (error instanceof InstanceNotFoundError) return false;
      if (error instanceof IncarnationEndedError) this.tellReplaced(error);
      throw error;
    }
  }

  private async leave(identity: InstanceIdentity): Promise<void> {
    try {
      await this.options.registry.deregister({ identity }, { incarnation: this.incarnation });
    } catch (error) {
      this.logger.warn(`This node could not be deregistered in its catalog: ${failureText(error).message}`);
    }
  }

  /** Coming back would only drive the other one away. When its registration has gone, this node registers again. */
  private tellReplaced(error: IncarnationEndedError): void {
    if (!this.isReplaced) {
      this.logger.warn(`Another node registered under the name of this one; give each a PCS_NODE_ID. ${error.message}`);
    }
    this.isReplaced = true;
  }
}

function nodeCommand(
  { nodeId, host, port }: NodeAddress,
  version: string,
  ttlSeconds: number,
  incarnation: string,
): RegisterCommand {
  return registration({
    namespace: NODE_NAMESPACE,
    service: NODE_SERVICE,
    instanceId: nodeId,
    incarnation,
    host,
    port,
    metadata: { version },
    check: { kind: 'heartbeat', ttlSeconds, deregisterAfterSeconds: DEREGISTER_AFTER_SECONDS },
  });
}
