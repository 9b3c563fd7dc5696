import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Databases, withSilenceTimeout } from '@coordination/database';
import { type Clock } from '@coordination/kernel';
import { type BackgroundTask } from '@coordination/observability';
import { type ClaimedRole, type NodeRoleRepository } from './node-role.repository.js';
import { type RoleTerm } from './role-term.js';

/** For how long (ms) a role is had without being claimed again: what the others wait when its node dies. */
export const ROLE_LASTS_MS = 3_000;
const EVERY_MS = 1_000;

/** After how long (ms) without a claim by any node nobody can have reached the database: each claims once a second. */
export const AWAY_AFTER_MS = 3_000;

export interface RoleElectorOptions {
  readonly databases: Databases;
  readonly roles: NodeRoleRepository;
  readonly clock: Clock;
  readonly task: BackgroundTask;
  readonly role: string;
  /** Names this process, and no other one that ever was. */
  readonly holder: string;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
}

/**
 * Sees to it that one node at a time has a role: claims it once a second, so that whoever has it keeps it, and another
 * one gets it within seconds when that node dies, hangs or is cut off. What a node does in a role it must do in its term,
 * which the database checks, for a node that was paused does not know that its time is over.
 */
export class RoleElector implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Liveness');
  private readonly ending = new AbortController();
  private held: RoleTerm | undefined;
  /** Monotonic time (ms) until which the role is surely had: counted from before it was claimed. */
  private heldUntil = 0;
  /** When a holder last noted its work, as the database has it, and when (monotonic, ms) this node first saw that. */
  private seenWork: { readonly workedAt: string | null; readonly atMs: number } | undefined;

  constructor(private readonly options: RoleElectorOptions) {}

  /** The present term of this node in the role; undefined: it does not have it, or cannot know. */
  get term(): RoleTerm | undefined {
    return this.options.clock.monotonicMs() < this.heldUntil ? this.held : undefined;
  }

  /**
   * Seconds since any node did the work of the role, as far as this node knows; undefined before its first claim. Clocks of
   * the database do not count: it is the time since this node last saw a change of what the holder had noted.
   */
  get sweptSecondsAgo(): number | undefined {
    return this.seenWork && (this.options.clock.monotonicMs() - this.seenWork.atMs) / 1_000;
  }

  onApplicationBootstrap(): void {
    const { ready, task } = this.options;
    const { signal } = this.ending;
    void ready.then(() => task.repeat(() => this.claim(), { everyMs: EVERY_MS, signal }));
  }

  async onModuleDestroy(): Promise<void> {
    this.ending.abort();
    const { term } = this;
    this.heldUntil = 0;
    if (term) await this.release(term);
  }

  private async claim(): Promise<void> {
    const { databases, roles, clock, role, holder } = this.options;
    const sentAt = clock.monotonicMs();
    const claimed = await this.inTime(() =>
      roles.claim(databases.em('liveness'), { role, holder, lastsMs: ROLE_LASTS_MS, awayAfterMs: AWAY_AFTER_MS }),
    );
    if (this.ending.signal.aborted) return await this.releaseIfOurs(claimed.term);
    this.note(claimed, sentAt);
  }

  private note({ term: claimed, workedAt }: ClaimedRole, sentAt: number): void {
    const { role, holder } = this.options;
    if (this.seenWork?.workedAt !== workedAt) this.seenWork = { workedAt, atMs: sentAt };
    const isOurs = claimed.holder === holder;
    if (isOurs && claimed.term !== this.held?.term) {
      this.logger.log(`This node has the role ${role} now, in term ${claimed.term}.`);
    }
    if (!isOurs && this.held) this.logger.log(`The role ${role} is ${claimed.holder}'s now, in term ${claimed.term}.`);
    // The same object for a whole term, so that requests that were made in it can be told together.
    if (!isOurs || this.held?.term !== claimed.term) this.held = isOurs ? claimed : undefined;
    this.heldUntil = isOurs ? sentAt + ROLE_LASTS_MS : 0;
  }

  /** A claim that was under way when the end came. */
  private async releaseIfOurs(claimed: RoleTerm): Promise<void> {
    if (claimed.holder === this.options.holder) await this.release(claimed);
  }

  private async release(term: RoleTerm): Promise<void> {
    const { databases, roles } = this.options;
    // Others get it by themselves a little later if this fails.
    await this.inTime(() => roles.release(databases.em('liveness'), term)).catch(() => undefined);
  }

  /** A server that says nothing must not keep a node for ever. */
  private async inTime<T>(work: () => Promise<T>): Promise<T> {
    return await withSilenceTimeout(this.options.databases, 'liveness', ROLE_LASTS_MS, work);
  }
}
