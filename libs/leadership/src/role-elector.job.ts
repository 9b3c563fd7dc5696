import { hostname } from 'node:os';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Databases, SchemaGate, withSilenceTimeout } from '@coordination/database';
import { Clock, newId } from '@coordination/kernel';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { type ClaimedRole, NodeRoleRepository } from './node-role.repository.js';
import { type RoleTerm } from './role-term.js';

/** Injection token of the name of the role that a {@link RoleElector} claims. */
export const ELECTED_ROLE = Symbol('ElectedRole');

/** How long (ms) a claim lasts: what the other nodes wait when the holder dies. */
export const ROLE_LASTS_MS = 3_000;
const EVERY_MS = 1_000;

/** Each node claims once a second. After so long (ms) without a claim, no node can have reached the database. */
export const AWAY_AFTER_MS = 3_000;

/**
 * Makes one node at a time hold a role. Each node claims it once a second, so that the holder keeps it, and another node
 * gets it within seconds when the holder dies, hangs or is disconnected. Work in the role must be done under its term,
 * which the database checks: a node that was paused does not know that its term is over.
 */
@Injectable()
export class RoleElector extends PeriodicJob {
  private readonly logger = new Logger('Liveness');
  /** Identifies this process; no two processes have the same. */
  private readonly holder = `${hostname()}/${newId()}`;
  private held: RoleTerm | undefined;
  /** Monotonic time (ms) until which this node certainly holds the role: counted from before the claim was sent. */
  private heldUntil = 0;
  /** When a holder last recorded its work, as the database has it, and when (monotonic, ms) this node first saw that. */
  private seenWork: { readonly workedAt: string | null; readonly atMs: number } | undefined;

  constructor(
    private readonly databases: Databases,
    private readonly roles: NodeRoleRepository,
    private readonly clock: Clock,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
    @Inject(SchemaGate) schema: Pick<SchemaGate, 'opened'>,
    @Inject(ELECTED_ROLE) private readonly role: string,
  ) {
    super({ task: tasks.task('role-election'), everyMs: EVERY_MS, ready: schema.opened });
  }

  /** The present term of this node in the role; undefined: it does not hold the role, or cannot know. */
  get term(): RoleTerm | undefined {
    return this.clock.monotonicMs() < this.heldUntil ? this.held : undefined;
  }

  /**
   * Seconds since any node did the work of the role, as far as this node knows; undefined before its first claim. It is the
   * time since this node last saw a change of what the holder had recorded, so the clock of the database does not matter.
   */
  get workedSecondsAgo(): number | undefined {
    return this.seenWork && (this.clock.monotonicMs() - this.seenWork.atMs) / 1_000;
  }

  /** Records that this node has just done its work in a term. */
  async recordWork(term: RoleTerm): Promise<void> {
    await this.roles.noteWork(this.databases.em('liveness'), term);
  }

  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    const { term } = this;
    this.heldUntil = 0;
    if (term) await this.release(term);
  }

  protected override async turn(): Promise<void> {
    const { databases, roles, clock, role, holder } = this;
    const sentAt = clock.monotonicMs();
    const claimed = await this.inTime(() =>
      roles.claim(databases.em('liveness'), { role, holder, lastsMs: ROLE_LASTS_MS, awayAfterMs: AWAY_AFTER_MS }),
    );
    if (this.signal.aborted) return await this.releaseIfOurs(claimed.term);
    this.note(claimed, sentAt);
  }

  private note({ term: claimed, workedAt }: ClaimedRole, sentAt: number): void {
    const { role } = this;
    if (this.seenWork?.workedAt !== workedAt) this.seenWork = { workedAt, atMs: sentAt };
    const isOurs = claimed.holder === this.holder;
    if (isOurs && claimed.term !== this.held?.term) {
      this.logger.log(`This node holds the role ${role} now, in term ${claimed.term}.`);
    }
    if (!isOurs && this.held) {
      this.logger.log(`The node ${claimed.holder} holds the role ${role} now, in term ${claimed.term}.`);
    }
    // The same object for a whole term, so that the writer can batch requests that were made in it.
    if (!isOurs || this.held?.term !== claimed.term) this.held = isOurs ? claimed : undefined;
    this.heldUntil = isOurs ? sentAt + ROLE_LASTS_MS : 0;
  }

  /** For a claim that was under way when this node began to end. */
  private async releaseIfOurs(claimed: RoleTerm): Promise<void> {
    if (claimed.holder === this.holder) await this.release(claimed);
  }

  private async release(term: RoleTerm): Promise<void> {
    const { databases, roles } = this;
    // If this fails, the claim runs out, and another node gets the role a little later.
    await this.inTime(() => roles.release(databases.em('liveness'), term)).catch(() => undefined);
  }

  /** Prevents that a server which does not answer blocks this node for ever. */
  private async inTime<T>(work: () => Promise<T>): Promise<T> {
    return await withSilenceTimeout(this.databases, 'liveness', ROLE_LASTS_MS, work);
  }
}
