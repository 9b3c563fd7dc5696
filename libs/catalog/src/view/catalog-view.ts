import { type EpochGap, epochStartedBy, mayFollow, unknownRevisionReason } from '@coordination/log';
import { type Settings } from '@coordination/config';
import { Clock, StaleViewError, StartingError, type UnknownRevisionReason } from '@coordination/kernel';
import { Inject, Injectable } from '@nestjs/common';
import { type StoredRecord } from '../model/instance-forms.js';
import { afterEvent } from '../tables/normalize-record.js';
import { emptyServicesDroppedBy } from './empty-services-dropped.js';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';
import { type Scope } from '../model/scope.js';
import { type ServiceTouch } from '../model/service-touch.js';
import { type CatalogChange } from './catalog-change.js';
import { CatalogState, type NamespaceEntry, type RecordObserver, type ServiceEntry } from './catalog-state.js';
import { RevisionWaiters } from './revision-waiters.js';
import {
  type ApplyOutcome,
  type CatalogEvent,
  type CatalogSnapshot,
  type Freshness,
  type ViewHead,
  type ViewObserver,
} from './view-types.js';

export {
  type ApplyOutcome,
  type CatalogEvent,
  type CatalogSnapshot,
  type Freshness,
  type ViewHead,
  type ViewObserver,
} from './view-types.js';

const NO_OBSERVER: ViewObserver = { applied: () => undefined, replaced: () => undefined };

/** Keeps something that is derived from all records of the view. Its methods are called at once, and must not throw. */
export interface ViewRecordObserver extends RecordObserver {
  /** The view was loaded: it may have other records altogether. */
  reloaded(): void;
}

const NO_RECORD_OBSERVER: ViewRecordObserver = { changed: () => undefined, reloaded: () => undefined };

/** After how long (seconds) without confirmation the view counts as stale. */
export const stalenessLimit = ({ PCS_STALENESS_LIMIT_SECONDS }: Settings) => ({
  stalenessLimitSeconds: PCS_STALENESS_LIMIT_SECONDS,
});

export type StalenessLimit = ReturnType<typeof stalenessLimit>;

/**
 * All instances in memory, following the log strictly in order: the view at revision R is the fold of the log up to R. A view
 * that is not loaded is not an empty catalog, so readers call {@link assertReadable} first.
 */
@Injectable()
export class CatalogView {
  private state = new CatalogState();
  private head: ViewHead | undefined;
  private confirmedAtMs: number;
  private loads = 0;
  private gaps: readonly EpochGap[] = [];
  private readonly waiters = new RevisionWaiters();
  /** Callers that wait for a later load, by its number. */
  private readonly loadWaiters = new RevisionWaiters();
  private pollLog: () => void = () => undefined;
  private observer = NO_OBSERVER;
  private records = NO_RECORD_OBSERVER;

  constructor(
    private readonly clock: Clock,
    @Inject(stalenessLimit) private readonly limit: StalenessLimit,
  ) {
    this.confirmedAtMs = clock.monotonicMs();
  }

  get loaded(): boolean {
    return this.head !== undefined;
  }

  /** The revision that the view has reached; 0 before the first load. */
  get revision(): number {
    return this.head?.revision ?? 0;
  }

  /** The position in the log that the view has reached; undefined before the first load. */
  get position(): ViewHead | undefined {
    return this.head;
  }

  /**
   * How many times the whole catalog was loaded or a new epoch began: 1 normally. Data that was derived from an earlier
   * generation is invalid.
   */
  get generation(): number {
    return this.loads;
  }

  /** How many instances there are. */
  get size(): number {
    return this.state.size;
  }

  /** How many callers wait for a revision, or for a load. */
  get waiting(): number {
    return this.waiters.size + this.loadWaiters.size;
  }

  /** Computed at each call from the monotonic clock, so that a view whose process was paused counts as stale. */
  freshness(): Freshness {
    return {
      loaded: this.loaded,
      revision: this.revision,
      epoch: this.head?.epoch ?? null,
      stalenessSeconds: Math.max(0, (this.clock.monotonicMs() - this.confirmedAtMs) / 1000),
      limitSeconds: this.limit.stalenessLimitSeconds,
    };
  }

  /**
   * Must be called before a response is made from the view, so that an unloaded view is not reported as an empty catalog.
   * @throws StartingError before the first load
   * @throws StaleViewError when the view was last known to be current too long ago
   */
  assertReadable(): void {
    const { loaded, stalenessSeconds, limitSeconds } = this.freshness();
    if (!loaded) throw new StartingError();
    if (stalenessSeconds > limitSeconds) throw new StaleViewError(stalenessSeconds, limitSeconds);
  }

  /** Whether the view was last known to be current too long ago. */
  get isStale(): boolean {
    const { stalenessSeconds, limitSeconds } = this.freshness();
    return stalenessSeconds > limitSeconds;
  }

  find(id: string): InstanceRecord | undefined {
    return this.state.find(id);
  }

  findByIdentity(identity: InstanceIdentity): InstanceRecord | undefined {
    return this.state.findByIdentity(identity);
  }

  /** The namespaces that have instances. */
  namespaces(): ReadonlyMap<string, NamespaceEntry> {
    return this.state.namespaces;
  }

  /** The services of a namespace that have instances, by name. */
  services(namespace: string): ReadonlyMap<string, ServiceEntry> {
    return this.state.namespace(namespace)?.services ?? new Map();
  }

  /** The instances of a service, by instanceId. */
  instancesOf(namespace: string, service: string): ReadonlyMap<string, InstanceRecord> {
    return this.state.service(namespace, service)?.instances ?? new Map();
  }

  /** The instances in a scope, service by service; see {@link servicesIn}. */
  *instancesIn(scope: Scope): Generator<InstanceRecord, void> {
    for (const instances of this.servicesIn(scope)) yield* instances.values();
  }

  /**
   * The services in a scope, each with its instances by instanceId. A caller that lets other work run in between gets each
   * service as it is when its turn comes.
   */
  *servicesIn({ namespace, service }: Scope): Generator<ReadonlyMap<string, InstanceRecord>, void> {
    for (const each of namespace === null ? this.namespaces().keys() : [namespace]) {
      for (const name of service === null ? this.services(each).keys() : [service]) yield this.instancesOf(each, name);
    }
  }

  /** Whether a service has instances, or had some and was not dropped since. */
  knowsService(namespace: string, service: string): boolean {
    return this.state.knowsService(namespace, service);
  }

  /**
   * The last revision that touched a service; the view keeps it when the last instance is gone. For an unknown service it is
   * a later revision if unknown services were dropped, and undefined if none was: then it never had an instance. It never
   * decreases.
   */
  serviceRevision(namespace: string, service: string): number | undefined {
    return this.state.serviceRevision(namespace, service);
  }

  /** The last revision that touched a service of the namespace, or a later one as above; undefined if it never had one. */
  namespaceRevision(namespace: string): number | undefined {
    return this.state.namespaceRevision(namespace);
  }

  /** How many services without instances are known. */
  get emptyServices(): number {
    return this.state.emptyServices;
  }

  /** The services without instances that changed longest ago, oldest first. */
  oldestEmptyServices(count: number): ServiceTouch[] {
    return this.state.oldestEmptyServices(count);
  }

  /** Replaces the whole view by a catalog that was loaded. */
  replace({ head, state, sentAtMs, gaps = [] }: CatalogSnapshot): void {
    this.state = state;
    state.observe(this.records);
    this.records.reloaded();
    this.gaps = gaps;
    this.restart(head);
    this.confirm(sentAtMs);
    this.waiters.release(head.revision);
  }

  /** Records that a query that was sent at this monotonic time (ms) found nothing that the view lacks. */
  confirm(sentAtMs: number): void {
    this.confirmedAtMs = Math.max(this.confirmedAtMs, sentAtMs);
  }

  /** Applies events strictly in the order of their revisions. Skips those that it has already. */
  apply(events: readonly CatalogEvent[]): ApplyOutcome {
    const changes: CatalogChange[] = [];
    try {
      for (const event of events) {
        const outcome = this.applyOne(event, changes);
        if (outcome !== 'applied') return outcome;
      }
      return 'applied';
    } finally {
      this.waiters.release(this.revision);
      if (changes.length > 0) this.observer.applied(changes);
    }
  }

  /**
   * Waits until the view has a revision, and makes the follower read the log at once. Resolves with false after the timeout,
   * or when the wait is aborted.
   */
  async reached(revision: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.loaded && this.revision >= revision) return true;
    const waiting = this.waiters.wait(revision, timeoutMs, signal);
    this.pollLog();
    return await waiting;
  }

  /**
   * Waits until the view has a later {@link generation}, and makes the follower read the log at once. Resolves with false
   * after the timeout, or when the wait is aborted.
   */
  async replacedSince(generation: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.loads > generation) return true;
    const waiting = this.loadWaiters.wait(generation + 1, timeoutMs, signal);
    this.pollLog();
    return await waiting;
  }

  /**
   * Why the view does not know a revision; undefined when it does. The view cannot tell whether the log has a revision above
   * its own.
   */
  unknownReason(revision: number): UnknownRevisionReason | undefined {
    return unknownRevisionReason(revision, this.revision, this.gaps);
  }

  /** How many epochs have begun after the first one. */
  get epochsBegun(): number {
    return this.gaps.length;
  }

  /** Makes the follower read the log now. */
  requestPoll(): void {
    this.pollLog();
  }

  /** Sets what reads the log, which is called when a caller waits for a revision. */
  onPollRequested(poll: () => void): void {
    this.pollLog = poll;
  }

  /** Sets the observer of what the view takes; there is one. */
  observe(observer: ViewObserver): void {
    this.observer = observer;
  }

  /** Sets the observer of each record that enters or leaves the view; there is one. */
  observeRecords(observer: ViewRecordObserver): void {
    this.records = observer;
    this.state.observe(observer);
  }

  /** Resolves all waits with `false`, because the view will not change any more. */
  abandonWaiters(): void {
    this.waiters.abandon();
    this.loadWaiters.abandon();
  }

  private applyOne(event: CatalogEvent, changes: CatalogChange[]): ApplyOutcome {
    const { head } = this;
    if (!head || event.revision < head.revision) return head ? 'applied' : 'gap';
    if (event.revision === head.revision) return event.hash === head.hash ? 'applied' : 'broken';
    if (event.previousHash !== head.hash) return event.revision === head.revision + 1 ? 'broken' : 'gap';
    // A new epoch leaves a gap in the revisions; those in between are never used.
    if (!mayFollow(head.revision, event)) return 'gap';
    const { revision, hash } = event;
    const begun = epochStartedBy(event);
    if (begun) {
      this.state.touchAll(revision);
      this.gaps = [...this.gaps, { after: head.revision, before: revision }];
      changes.length = 0; // they are of the ended epoch, and observers are restarted
      this.restart({ revision, hash, epoch: begun.epoch });
    } else {
      this.fold(event, changes);
      this.head = { revision, hash, epoch: head.epoch };
    }
    return 'applied';
  }

  private restart(head: ViewHead): void {
    this.head = head;
    this.loads += 1;
    this.loadWaiters.release(this.loads);
    this.observer.replaced(head);
  }

  private fold(event: CatalogEvent, changes: CatalogChange[]): void {
    const { revision, action, namespace, service, instanceUuid } = event;
    const dropped = emptyServicesDroppedBy(event);
    if (dropped) this.state.dropEmptyServices(dropped.upTo, revision);
    if (namespace === null || service === null || instanceUuid === null) return; // not about an instance
    const before = this.state.find(instanceUuid) ?? null;
    const after = event.after ? afterEvent(event.after as StoredRecord, before) : null;
    if (after) this.state.put(after);
    else this.state.remove(instanceUuid);
    this.state.touch(namespace, service, revision);
    changes.push({ revision, action, namespace, service, before, after });
  }
}
