import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Settings } from '@coordination/config';
import { SchemaGate } from '@coordination/database';
import { IncarnationEndedError, newId, repeat } from '@coordination/kernel';
import { type BackgroundTask, BackgroundTasks } from '@coordination/observability';
import { type NodeAddress } from './node-address.js';
import { type NodeDescription, uniqueName } from './node-service.js';
import { OwnRecord } from './own-record.js';
import { SharedIdLines } from './shared-id-lines.js';
import { type NodeOfSameId, NodesById, sharedIdMessage } from './shared-node-id.js';

/** Renewals within one time to live: two may be lost before the lease ends. */
const RENEWALS_PER_TTL = 3;
/** About how long (ms) the node waits before it tries again to register. */
const RETRY_MS = 500;
/** How long (ms) the end of the process waits for the deregistration. */
const DEREGISTRATION_MS = 2_000;

/** The settings of the registration of this node. */
export const nodeRegistrationSettings = ({ PCS_SELF_REGISTRATION, PCS_NODE_TTL_SECONDS }: Settings) => ({
  enabled: PCS_SELF_REGISTRATION,
  /** Seconds without a renewal after which other nodes consider this one dead. */
  ttlSeconds: PCS_NODE_TTL_SECONDS,
});
export type NodeRegistrationSettings = ReturnType<typeof nodeRegistrationSettings>;

/**
 * Keeps this node registered in the catalog as an instance like any other, so that nodes know of each other. It renews its
 * lease, registers again when its record was removed, and deregisters when the process ends in order.
 *
 * Each process is an incarnation of its own, and the newest one has the name, which is the ID of the node: after a restart the
 * old process is dead. If it is not, two live nodes have the same ID. The node that lost the name notices that at its next
 * renewal, and registers under a unique name, with the shared ID in its metadata. So both take part as separate nodes, know of
 * each other, and log a warning. When the other node is gone, this one takes its ID again.
 */
@Injectable()
export class NodeRegistration implements OnModuleDestroy {
  private readonly ending = new AbortController();
  private readonly task: BackgroundTask;
  private incarnation = newId();
  private node: NodeDescription | undefined;
  /** The name that this node is registered under: its ID, or a unique name while another node has the ID. */
  private ownName: string | undefined;
  /** The last unique name. */
  private formerName: string | undefined;
  private isRegistered = false;
  private hasSuccessor = false;
  /** Undefined until the tables are there: before that, there is nothing to deregister. */
  private running: Promise<void> | undefined;

  constructor(
    private readonly record: OwnRecord,
    private readonly nodes: NodesById,
    private readonly lines: SharedIdLines,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) private readonly schema: Pick<SchemaGate, 'opened'>,
    @Inject(nodeRegistrationSettings) private readonly settings: NodeRegistrationSettings,
  ) {
    this.task = tasks.task('node-registration');
  }

  /** The name of this node among the nodes; undefined while it has none, or does not take part. */
  get nodeId(): string | undefined {
    return this.ownName;
  }

  /** Other live nodes that use the ID of this one; normally there are none. */
  get othersOfSameId(): readonly NodeOfSameId[] {
    if (!this.node || this.ownName === undefined || !this.isRegistered) return [];
    return this.nodes.othersOf(this.node.address.nodeId, [this.ownName, this.formerName]);
  }

  /** What is wrong with the ID of this node; undefined: nothing. */
  get complaint(): string | undefined {
    const others = this.othersOfSameId;
    if (!this.node || this.ownName === undefined || others.length === 0) return undefined;
    return sharedIdMessage(this.node.address.nodeId, this.ownName, others);
  }

  /** To be called when the node listens, because only then it knows its port. */
  begin(address: NodeAddress, version: string): void {
    const { enabled, ttlSeconds } = this.settings;
    if (!enabled || this.node !== undefined) return;
    const node = { address, version, ttlSeconds };
    this.node = node;
    this.ownName = address.nodeId;
    void this.schema.opened.then(() => this.start(node));
  }

  /** To be called when the process gets the signal to end: a node that takes its ID from then on is its successor. */
  expectSuccessor(): void {
    this.hasSuccessor = true;
  }

  async onModuleDestroy(): Promise<void> {
    this.ending.abort();
    const { running } = this;
    if (!running) return;
    // Bounded, because the process must end even if the database cannot be reached.
    const deregistered = running.then(() => this.record.remove(this.ownName!, this.incarnation));
    await Promise.race([deregistered, delay(DEREGISTRATION_MS, undefined, { ref: false })]);
  }

  private start(node: NodeDescription): void {
    if (!this.ending.signal.aborted) this.running = this.run(node);
  }

  private async run(node: NodeDescription): Promise<void> {
    const { signal } = this.ending;
    const turn = async () => {
      try {
        await this.task.turn(() => this.turn(node), signal);
      } catch {
        // The task has recorded the failure. A node that is registered continues to renew at the usual pace.
      }
      this.lines.update(this.complaint);
      return this.isRegistered ? undefined : RETRY_MS * (0.5 + Math.random());
    };
    await repeat(turn, { everyMs: (node.ttlSeconds * 1_000) / RENEWALS_PER_TTL, signal });
  }

  private async turn(node: NodeDescription): Promise<void> {
    if (this.ownName !== node.address.nodeId && this.nodes.isFree(node.address.nodeId)) return await this.takeId(node);
    try {
      this.isRegistered = this.isRegistered
        ? await this.record.renew(this.ownName!, this.incarnation)
        : await this.register(node);
    } catch (error) {
      if (!(error instanceof IncarnationEndedError)) throw error;
      // This node does not take the ID back, because the other node would then lose it.
      this.isRegistered = false;
      if (this.hasSuccessor) return this.ending.abort();
      this.incarnation = newId();
      this.ownName = uniqueName(node.address.nodeId);
      this.isRegistered = await this.register(node);
    }
  }

  private async takeId(node: NodeDescription): Promise<void> {
    const [name, incarnation] = [this.ownName!, this.incarnation];
    const next = newId();
    await this.record.register(node, node.address.nodeId, next);
    this.formerName = name;
    this.ownName = node.address.nodeId;
    this.incarnation = next;
    await this.record.remove(name, incarnation);
  }

  private async register(node: NodeDescription): Promise<true> {
    await this.record.register(node, this.ownName!, this.incarnation);
    return true;
  }
}
