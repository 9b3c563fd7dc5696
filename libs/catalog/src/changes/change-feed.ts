import { memoryShares, type Settings } from '@coordination/config';
import { Inject, Injectable } from '@nestjs/common';
import { type Scope } from '../model/scope.js';
import { type CatalogChange } from '../view/catalog-change.js';
import { CatalogView, type ViewHead, type ViewObserver } from '../view/catalog-view.js';
import { ChangeBuffer, type ChangeBufferLimits } from './change-buffer.js';

/** How many changes are kept in memory, and how many bytes of them, roughly: a share of the memory budget. */
export const feedLimits = (settings: Settings): ChangeBufferLimits => ({
  maxChanges: settings.PCS_FEED_MAX_CHANGES,
  maxBytes: memoryShares(settings).kept.changes,
});

/** Receives the changes in a scope. Neither method may throw. */
export interface FeedFollower {
  /** Called for each change in scope, in order; also for changes of the same event-loop turn in which following began. */
  changed(change: CatalogChange): void;
  /** Called when the view was loaded again or a new epoch has begun: changes in between are only in the log. */
  restarted(): void;
}

/**
 * Keeps the newest changes of the view in memory, and delivers changes to followers, so that those near the head do not need
 * the database. It delivers them in a later turn of the event loop: the view changes within writes, and a thousand watchers
 * must not delay the response to a writer.
 */
@Injectable()
export class ChangeFeed implements ViewObserver {
  private readonly buffer: ChangeBuffer;
  /** By `namespace/service`, with `*` for all. */
  private readonly followers = new Map<string, Set<FeedFollower>>();
  private undelivered: CatalogChange[] = [];
  private isRestarted = false;
  private delivery: NodeJS.Immediate | undefined;
  private count = 0;
  private delivered = 0;

  constructor(
    private readonly view: CatalogView,
    @Inject(feedLimits) limits: ChangeBufferLimits,
  ) {
    this.buffer = new ChangeBuffer(limits);
    view.observe(this);
  }

  /** All changes after this revision are in memory. */
  get floor(): number {
    return this.buffer.floor;
  }

  /** The number of followers. */
  get size(): number {
    return this.count;
  }

  /** The revision of the last change that was delivered to followers. */
  get lastDelivered(): number {
    return this.delivered;
  }

  /** The revision up to which followers have received every change in their scope. */
  get deliveredUpTo(): number {
    return this.delivery === undefined ? this.view.revision : this.delivered;
  }

  /** The oldest changes after a revision, of all services; undefined when they are not all in memory. */
  after(revision: number, limit = Infinity): readonly CatalogChange[] | undefined {
    return this.buffer.after(revision, limit);
  }

  /** Delivers every change in scope from now on to a follower. @returns how to end it */
  follow({ namespace, service }: Scope, follower: FeedFollower): () => void {
    const key = keyOf(namespace, service);
    const group = this.followers.get(key) ?? new Set<FeedFollower>();
    this.followers.set(key, group.add(follower));
    this.count += 1;
    return () => {
      if (!group.delete(follower)) return;
      this.count -= 1;
      if (group.size === 0 && this.followers.get(key) === group) this.followers.delete(key);
    };
  }

  applied(changes: readonly CatalogChange[]): void {
    for (const change of changes) this.buffer.push(change);
    if (this.count === 0) return;
    this.undelivered.push(...changes);
    this.deliverSoon();
  }

  replaced({ revision }: ViewHead): void {
    this.buffer.restart(revision);
    this.undelivered = [];
    this.isRestarted = true;
    this.deliverSoon();
  }

  private deliverSoon(): void {
    this.delivery ??= setImmediate(() => {
      this.delivery = undefined;
      this.deliver();
    });
  }

  private deliver(): void {
    const { undelivered, isRestarted } = this;
    this.undelivered = [];
    this.isRestarted = false;
    if (isRestarted) {
      const all = [...this.followers.values()].flatMap(group => [...group]);
      for (const follower of all) follower.restarted();
    }
    for (const change of undelivered) {
      for (const follower of this.followersOf(change)) follower.changed(change);
    }
    this.delivered = undelivered.at(-1)?.revision ?? this.delivered;
  }

  /** A copy, since followers come and go during the delivery. */
  private followersOf({ namespace, service }: CatalogChange): FeedFollower[] {
    const keys = [keyOf(namespace, service), keyOf(namespace, null), keyOf(null, service), keyOf(null, null)];
    return keys.flatMap(key => [...(this.followers.get(key) ?? [])]);
  }
}

const keyOf = (namespace: string | null, service: string | null): string => `${namespace ?? '*'}/${service ?? '*'}`;
