import { type ViewHead, type ViewObserver } from '../view/catalog-view.js';
import { type CatalogChange } from '../view/catalog-change.js';
import { ChangeBuffer, type ChangeBufferLimits } from './change-buffer.js';

/** Which changes somebody is told of; null: of all namespaces, of all services. */
export interface FeedScope {
  readonly namespace: string | null;
  readonly service: string | null;
}

/** Somebody who is told of changes. Neither method may throw. */
export interface FeedFollower {
  /** Called for each change in scope, in order; also for changes of the very turn in which following began. */
  changed(change: CatalogChange): void;
  /** Called when the view was loaded anew: what changed meanwhile is only in the log, or another epoch has begun. */
  restarted(): void;
}

/**
 * The changes that the view has taken, for those who wait for some of them: the newest are kept, so that nobody who is
 * near the head needs the database. They are told in a turn of the event loop of their own, because the view changes
 * within writes, and a thousand watchers must not keep a writer from its answer.
 */
export class ChangeFeed implements ViewObserver {
  private readonly buffer: ChangeBuffer;
  /** By `namespace/service`, with `*` for all. */
  private readonly followers = new Map<string, Set<FeedFollower>>();
  private untold: CatalogChange[] = [];
  private isRestarted = false;
  private telling: NodeJS.Immediate | undefined;
  private count = 0;
  private told = 0;

  constructor(limits: ChangeBufferLimits) {
    this.buffer = new ChangeBuffer(limits);
  }

  /** All changes after this revision are in memory. */
  get floor(): number {
    return this.buffer.floor;
  }

  /** How many follow. */
  get size(): number {
    return this.count;
  }

  /** The newest change that followers were told of; everything before it they were told, too. */
  get toldUpTo(): number {
    return this.told;
  }

  /** Whether there is something that followers are yet to be told. */
  get hasUntold(): boolean {
    return this.telling !== undefined;
  }

  /** The oldest changes after a revision, of all services; undefined when they are not all in memory. */
  after(revision: number, limit = Infinity): readonly CatalogChange[] | undefined {
    return this.buffer.after(revision, limit);
  }

  /** Tells a follower of every change in scope from now on. @returns how to end it */
  follow(scope: FeedScope, follower: FeedFollower): () => void {
    const key = keyOf(scope.namespace, scope.service);
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
    this.untold.push(...changes);
    this.tellSoon();
  }

  replaced({ revision }: ViewHead): void {
    this.buffer.restart(revision);
    this.untold = [];
    this.isRestarted = true;
    this.tellSoon();
  }

  private tellSoon(): void {
    this.telling ??= setImmediate(() => {
      this.telling = undefined;
      this.tell();
    });
  }

  private tell(): void {
    const { untold, isRestarted } = this;
    this.untold = [];
    this.isRestarted = false;
    if (isRestarted) {
      const everybody = [...this.followers.values()].flatMap(group => [...group]);
      for (const follower of everybody) follower.restarted();
    }
    for (const change of untold) {
      for (const follower of this.concerned(change)) follower.changed(change);
    }
    this.told = untold.at(-1)?.revision ?? this.told;
  }

  /** Copies, since followers come and go while they are told. */
  private concerned({ namespace, service }: CatalogChange): FeedFollower[] {
    const keys = [keyOf(namespace, service), keyOf(namespace, null), keyOf(null, service), keyOf(null, null)];
    return keys.flatMap(key => [...(this.followers.get(key) ?? [])]);
  }
}

const keyOf = (namespace: string | null, service: string | null): string => `${namespace ?? '*'}/${service ?? '*'}`;
