import { type EpochGap, epochStartedBy, mayFollow, unknownRevisionReason } from '@coordination/log';
import { type Clock, StaleViewError, StartingError, type UnknownRevisionReason } from '@coordination/kernel';
import { type StoredRecord } from '../model/instance-forms.js';
import { afterEvent } from '../tables/normalize-record.js';
import { emptyServicesDroppedBy } from './empty-services-dropped.js';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';
import { type Scope } from '../model/scope.js';
import { type ServiceTouch } from '../model/service-touch.js';
import { type CatalogChange } from './catalog-change.js';
import { CatalogState, type NamespaceEntry, type ServiceEntry } from './catalog-state.js';
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

const NOBODY: ViewObserver = { applied: () => undefined, replaced: () => undefined };

/** What a view is made with. */
export interface CatalogViewOptions {
  readonly clock: Clock;
  readonly stalenessLimitSeconds: number;
}

/**
 * All instances in memory, following the log strictly in order: view at R = fold of the log up to R. A view that is not
 * loaded knows nothing, which is not the same as knowing that there is nothing: readers call {@link assertReadable} first.
 */
export class CatalogView {
  private state = new CatalogState();
  private head: ViewHead | undefined;
  private confirmedAtMs: number;
  private loads = 0;
  private gaps: readonly EpochGap[] = [];
  private readonly waiters = new RevisionWaiters();
  /** Those who wait for a later load, by its number. */
  private readonly loadWaiters = new RevisionWaiters();
  private onAwaited: () => void = () => undefined;
  private observer = NOBODY;

  constructor(private readonly options: CatalogViewOptions) {
    this.confirmedAtMs = options.clock.monotonicMs();
  }

  get loaded(): boolean {
    return this.head !== undefined;
  }

  /** Up to where in the log the view is; 0 before the first load. */
  get revision(): number {
    return this.head?.revision ?? 0;
  }

  /** Where the view is in its history; undefined before the first load. */
  get position(): ViewHead | undefined {
    return this.head;
  }

  /**
   * How many times the whole catalog was loaded, or came to another epoch: 1 normally. What was derived from an earlier
   * generation is void.
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

  /** Computed at each call from the monotonic clock, so that a process that was stopped does not think itself fresh. */
  freshness(): Freshness {
    return {
      loaded: this.loaded,
      revision: this.revision,
      epoch: this.head?.epoch ?? null,
      stalenessSeconds: Math.max(0, (this.options.clock.monotonicMs() - this.confirmedAtMs) / 1000),
      limitSeconds: this.options.stalenessLimitSeconds,
    };
  }

  /**
   * Must be called before anything is answered from the view: unknown is never empty.
   * @throws StartingError before the first load
   * @throws StaleViewError when the view was last known to be current too long ago
   */
  assertReadable(): void {
    const { loaded, stalenessSeconds, limitSeconds } = this.freshness();
    if (!loaded) throw new StartingError();
    if (stalenessSeconds > limitSeconds) throw new StaleViewError(stalenessSeconds, limitSeconds);
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

  /**
   * The instances in a scope, service by service. A caller that lets other work run in between gets each service as it is
   * when its turn comes.
   */
  *instancesIn({ namespace, service }: Scope): Generator<InstanceRecord, void> {
    for (const each of namespace === null ? this.namespaces().keys() : [namespace]) {
      for (const name of service === null ? this.services(each).keys() : [service]) {
        yield* this.instancesOf(each, name).values();
      }
    }
  }

  /** Whether a service has instances, or had some and was not dropped since. */
  knowsService(namespace: string, service: string): boolean {
    return this.state.knowsService(namespace, service);
  }

  /**
   * The last revision that touched a service, which outlives its last instance. A later one stands for services that are
   * not known where some were dropped; undefined where none was, so that it never had an instance. It never falls.
   */
  serviceRevision(namespace: string, service: string): number | undefined {
    return this.state.serviceRevision(namespace, service);
  }

  /** The last revision that touched a service of the namespace, or a later one as above; undefined if there never was one. */
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

  /** Takes the catalog as it was loaded, in place of everything held. */
  replace({ head, state, sentAtMs, gaps = [] }: CatalogSnapshot): void {
    this.state = state;
    this.gaps = gaps;
    this.beginAnew(head);
    this.confirm(sentAtMs);
    this.waiters.release(head.revision);
  }

  /** Notes that nothing was missing from the view in a query that was sent at this monotonic time (ms). */
  confirm(sentAtMs: number): void {
    this.confirmedAtMs = Math.max(this.confirmedAtMs, sentAtMs);
  }

  /** Applies events strictly in revision order. Those that are known already are passed over. */
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
   * Waits until the view has a revision. False when it has not within the time, or the wait was aborted.
   * Whoever follows the log is asked to look at once.
   */
  async reached(revision: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.loaded && this.revision >= revision) return true;
    const waiting = this.waiters.wait(revision, timeoutMs, signal);
    this.onAwaited();
    return await waiting;
  }

  /**
   * Waits until the view was loaded anew since a {@link generation}. False when it was not within the time, or the wait
   * was aborted. Whoever follows the log is asked to look at once.
   */
  async replacedSince(generation: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.loads > generation) return true;
    const waiting = this.loadWaiters.wait(generation + 1, timeoutMs, signal);
    this.onAwaited();
    return await waiting;
  }

  /**
   * Why a revision means nothing to the view; undefined: it was that of a change. Whether one above its own is known to
   * the log the view cannot say.
   */
  unknownBecause(revision: number): UnknownRevisionReason | undefined {
    return unknownRevisionReason(revision, this.revision, this.gaps);
  }

  /** How many epochs have begun after the first one. */
  get epochsBegun(): number {
    return this.gaps.length;
  }

  /** Asks whoever follows the log for a look at it. */
  askForLook(): void {
    this.onAwaited();
  }

  /** Whom to ask for a look at the log when somebody waits for a revision. */
  whenAwaited(look: () => void): void {
    this.onAwaited = look;
  }

  /** Whom to tell what the view takes; one. */
  observe(observer: ViewObserver): void {
    this.observer = observer;
  }

  /** Tells everybody who waits that nothing will come any more. */
  abandonWaiters(): void {
    this.waiters.abandon();
    this.loadWaiters.abandon();
  }

  private applyOne(event: CatalogEvent, changes: CatalogChange[]): ApplyOutcome {
    const { head } = this;
    if (!head || event.revision < head.revision) return head ? 'applied' : 'gap';
    if (event.revision === head.revision) return event.hash === head.hash ? 'applied' : 'broken';
    if (event.previousHash !== head.hash) return event.revision === head.revision + 1 ? 'broken' : 'gap';
    // A new epoch leaves a gap in the numbers, and nothing in between will ever be used.
    if (!mayFollow(head.revision, event)) return 'gap';
    const { revision, hash } = event;
    const begun = epochStartedBy(event);
    if (begun) {
      this.state.touchAll(revision);
      this.gaps = [...this.gaps, { after: head.revision, before: revision }];
      changes.length = 0; // of an epoch that has ended: whoever follows begins anew
      this.beginAnew({ revision, hash, epoch: begun.epoch });
    } else {
      this.fold(event, changes);
      this.head = { revision, hash, epoch: head.epoch };
    }
    return 'applied';
  }

  private beginAnew(head: ViewHead): void {
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
