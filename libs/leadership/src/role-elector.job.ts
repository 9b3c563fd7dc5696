import { hostname } from 'node:os';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Databases, SchemaGate, withSilenceTimeout } from '@coordination/database';
import { Clock, newId } from '@coordination/kernel';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { awakeMsSince } from '@coordination/scheduling';
import { type ClaimedRole, type ClaimedStall, NodeRoleRepository } from './node-role.repository.js';
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
 *
 * A node that was stalled says so with its next claim. What is decided in the role must take the stall into account, so it
 * begins with {@link confirm}.
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
  /** When (monotonic, ms) the last claim that succeeded was sent, and the term of the role, whichever node had it. */
  private lastClaim: { readonly sentAtMs: number; readonly term: number } | undefined;
  /** Whether a claim has failed since then. */
  private hasFailed = false;
  private claiming: Promise<void> | undefined;

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
   * time since this node last saw a change of what the holder had recorded, so the clock of the database does not matter. Stalls
   * of this process do not count, because it could not see anything in them.
   */
  get workedSecondsAgo(): number | undefined {
    const { databases, seenWork, clock } = this;
    return seenWork && awakeMsSince(databases.stalls, seenWork.atMs, clock) / 1_000;
  }

  /** For how long (ms) this process was stalled since its last claim, so that the database does not know of it yet. */
  get unrecordedStallMs(): number {
    const { databases, lastClaim } = this;
    return lastClaim ? databases.stalls.stalledMsSince(lastClaim.sentAtMs) : 0;
  }

  /**
   * The present term of this node, after the stalls of this process have been recorded, so that what is read from the database
   * afterwards takes them into account. It claims only if there were any since the last claim.
   * @throws StoreUnavailableError
   */
  async confirm(): Promise<RoleTerm | undefined> {
    // The first claim may have been under way before the stall.
    for (let n = 0; n < 2 && this.unrecordedStallMs > 0; n++) await this.claimOnce();
    return this.term;
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
    await this.claimOnce();
  }

  /** Claims; callers that come while a claim is under way share it. */
  private async claimOnce(): Promise<void> {
    this.claiming ??= this.claim().finally(() => (this.claiming = undefined));
    await this.claiming;
  }

  private async claim(): Promise<void> {
    const { databases, roles, clock, role, holder } = this;
    const sentAt = clock.monotonicMs();
    const stall = this.stallAt(sentAt);
    const claim = { role, holder, lastsMs: ROLE_LASTS_MS, awayAfterMs: AWAY_AFTER_MS, stall };
    try {
      const claimed = await this.inTime(() => roles.claim(databases.em('liveness'), claim));
      if (this.signal.aborted) return await this.releaseIfOurs(claimed.term);
      this.note(claimed, sentAt);
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
  }

  private stallAt(nowMs: number): ClaimedStall | undefined {
    const { lastClaim, unrecordedStallMs: stalledMs } = this;
    if (!lastClaim || stalledMs === 0) return undefined;
    // Stored times have whole milliseconds, and forecasts add up to them.
    const { term, sentAtMs } = lastClaim;
    return { term, sinceMs: nowMs - sentAtMs, stalledMs: Math.ceil(stalledMs), isWhy: !this.hasFailed };
  }

  private note({ term: claimed, workedAt }: ClaimedRole, sentAt: number): void {
    const { role } = this;
    this.lastClaim = { sentAtMs: sentAt, term: claimed.term };
    this.hasFailed = false;
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
