import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { type CatalogView } from '@coordination/catalog';
import {
  type Clock,
  failureText,
  IncarnationEndedError,
  InstanceNotFoundError,
  newId,
  repeat,
} from '@coordination/kernel';
import { type BackgroundTask } from '@coordination/observability';
import { type RegistryService } from '@coordination/registry';
import { type HeartbeatsService } from '../heartbeats/heartbeats.service.js';
import { type NodeAddress } from './node-address.js';
import { nodeCommand, type NodeDescription, nodeIdentity, uniqueName } from './node-service.js';
import { type NodeOfSameId, othersOfId, sharedIdMessage } from './shared-node-id.js';
import { SharedIdLines } from './shared-id-lines.js';

/** So many renewals fit into one time to live: two may get lost before the lease ends. */
const RENEWALS_PER_TTL = 3;
/** Pause (ms) before registering is tried again, roughly. */
const RETRY_MS = 500;
/** How long (ms) the end of the process waits for its deregistration. */
const FAREWELL_MS = 2_000;

export interface NodeRegistrationOptions {
  readonly registry: Pick<RegistryService, 'register' | 'deregister'>;
  readonly heartbeats: Pick<HeartbeatsService, 'renew'>;
  readonly view: Pick<CatalogView, 'instancesOf' | 'findByIdentity'>;
  readonly task: BackgroundTask;
  readonly clock: Clock;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly enabled: boolean;
  /** Seconds without renewal after which others take the node for dead. */
  readonly ttlSeconds: number;
}

/**
 * Keeps this node registered in the catalog as an instance like any other, so that nodes know of each other. It renews
 * itself, comes back when it was removed, and leaves when the process ends in order.
 *
 * Each process is an incarnation of its own, and the newest one has the name, which is its ID: after a restart the old
 * process is dead. If it is not, two live nodes have the same ID. Then the one whose name was taken finds that out by its
 * next renewal, and registers under a unique name, which says whose ID it shares. So both take part as nodes of their own,
 * and both know of each other, and tell. When the other one has gone, it takes its ID again.
 */
export class NodeRegistration implements OnModuleDestroy {
  private readonly logger = new Logger('Nodes');
  private readonly ending = new AbortController();
  private readonly lines: SharedIdLines;
  private incarnation = newId();
  private node: NodeDescription | undefined;
  /** What this node is registered under: its ID, or a unique name while another node has that. */
  private ownName: string | undefined;
  /** The unique name that it had last. */
  private formerName: string | undefined;
  private isRegistered = false;
  private hasSuccessor = false;
  /** Undefined until the tables are there: before, there is nothing to take back. */
  private running: Promise<void> | undefined;

  constructor(private readonly options: NodeRegistrationOptions) {
    this.lines = new SharedIdLines(this.logger, options.clock);
  }

  /** The name of this node among the nodes; undefined while it has none, or takes no part. */
  get nodeId(): string | undefined {
    return this.ownName;
  }

  /** Other live nodes that use the ID of this one; there are none normally. */
  get othersOfSameId(): readonly NodeOfSameId[] {
    if (!this.node || this.ownName === undefined || !this.isRegistered) return [];
    return othersOfId(this.options.view, this.node.address.nodeId, [this.ownName, this.formerName]);
  }

  /** What is wrong with the ID of this node; undefined: nothing. */
  get complaint(): string | undefined {
    const others = this.othersOfSameId;
    if (!this.node || this.ownName === undefined || others.length === 0) return undefined;
    return sharedIdMessage(this.node.address.nodeId, this.ownName, others);
  }

  /** To be called when the node listens, and so knows its port. */
  begin(address: NodeAddress, version: string): void {
    const { enabled, ready, ttlSeconds } = this.options;
    if (!enabled || this.node !== undefined) return;
    const node = { address, version, ttlSeconds };
    this.node = node;
    this.ownName = address.nodeId;
    void ready.then(() => this.start(node));
  }

  /** To be called when the process is told to end, however long it drains: whoever takes its ID now is its successor. */
  expectSuccessor(): void {
    this.hasSuccessor = true;
  }

  async onModuleDestroy(): Promise<void> {
    this.ending.abort();
    const { running } = this;
    if (!running) return;
    // The database may be away: the process must end all the same.
    const farewell = running.then(() => this.leave(this.ownName!));
    await Promise.race([farewell, delay(FAREWELL_MS, undefined, { ref: false })]);
  }

  private start(node: NodeDescription): void {
    if (!this.ending.signal.aborted) this.running = this.run(node);
  }

  private async run(node: NodeDescription): Promise<void> {
    const { task, ttlSeconds } = this.options;
    const { signal } = this.ending;
    const turn = async () => {
      try {
        await task.turn(() => this.turn(node), signal);
      } catch {
        // The task has noted it. A node that was registered renews itself at the usual pace.
      }
      this.lines.tell(this.complaint);
      return this.isRegistered ? undefined : RETRY_MS * (0.5 + Math.random());
    };
    await repeat(turn, { everyMs: (ttlSeconds * 1_000) / RENEWALS_PER_TTL, signal });
  }

  private async turn(node: NodeDescription): Promise<void> {
    if (this.ownName !== node.address.nodeId && this.isIdFree(node.address.nodeId)) return await this.takeId(node);
    try {
      this.isRegistered = this.isRegistered ? await this.renew() : await this.register(node);
    } catch (error) {
      if (!(error instanceof IncarnationEndedError)) throw error;
      // Taking the ID back would only drive the other node away.
      this.isRegistered = false;
      if (this.hasSuccessor) return this.ending.abort();
      this.incarnation = newId();
      this.ownName = uniqueName(node.address.nodeId);
      this.isRegistered = await this.register(node);
    }
  }

  /** Whether the node that took the ID has gone, or is dead. */
  private isIdFree(nodeId: string): boolean {
    const taken = this.options.view.findByIdentity(nodeIdentity(nodeId));
    return taken === undefined || taken.health.state === 'unhealthy';
  }

  private async takeId(node: NodeDescription): Promise<void> {
    const [name, incarnation] = [this.ownName!, this.incarnation];
    const next = newId();
    await this.options.registry.register(nodeCommand(node, node.address.nodeId, next));
    this.formerName = name;
    this.ownName = node.address.nodeId;
    this.incarnation = next;
    await this.leave(name, incarnation);
  }

  /** With a command for each try, because it carries the id of an instance that is new, and ids never come back. */
  private async register(node: NodeDescription): Promise<true> {
    await this.options.registry.register(nodeCommand(node, this.ownName!, this.incarnation));
    return true;
  }

  /** @returns false when somebody has removed this node: then it registers again */
  private async renew(): Promise<boolean> {
    try {
      await this.options.heartbeats.renew({ identity: nodeIdentity(this.ownName!) }, this.incarnation);
      return true;
    } catch (error) {
      if (error instanceof InstanceNotFoundError) return false;
      throw error;
    }
  }

  private async leave(name: string, incarnation = this.incarnation): Promise<void> {
    try {
      await this.options.registry.deregister({ identity: nodeIdentity(name) }, { incarnation });
    } catch (error) {
      if (error instanceof IncarnationEndedError) return;
      this.logger.warn(`This node could not be deregistered in its catalog: ${failureText(error).message}`);
    }
  }
}
