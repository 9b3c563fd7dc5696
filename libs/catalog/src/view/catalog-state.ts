import { EVERY_OTHER_NAMESPACE, type NamespaceFloor } from '../tables/namespace-floor.entity.js';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';
import { type ServiceTouch } from '../model/service-touch.js';
import { EmptyServices } from './empty-services.js';

/** A service with instances in the view. */
export interface ServiceEntry {
  readonly namespace: string;
  readonly service: string;
  /** The last revision that touched the service. */
  readonly revision: number;
  /** By instanceId. */
  readonly instances: ReadonlyMap<string, InstanceRecord>;
}

/** A namespace in the view. */
export interface NamespaceEntry {
  readonly namespace: string;
  /** The last revision that touched any of its services, or dropped some of them. */
  readonly revision: number;
  /** The number of instances. */
  readonly size: number;
  /** The services with instances. */
  readonly services: ReadonlyMap<string, ServiceEntry>;
}

interface MutableService extends ServiceEntry {
  revision: number;
  readonly instances: Map<string, InstanceRecord>;
}

interface MutableNamespace extends NamespaceEntry {
  revision: number;
  size: number;
  services: Map<string, MutableService>;
  /** The number of known services without instances. */
  empty: number;
  /** The revision of all unknown services; 0: none was ever dropped. */
  floor: number;
}

/** Is called with each record that enters or leaves the state, within the call that makes it do so. It must not throw. */
export interface RecordObserver {
  /** Exactly one of them is absent when an instance enters or leaves; both have one identity and one id otherwise. */
  changed(before: InstanceRecord | undefined, after: InstanceRecord | undefined): void;
}

const UNOBSERVED: RecordObserver = { changed: () => undefined };

/** The services of all namespaces without instances, of which there may be very many. It stays empty. */
const NO_SERVICES = new Map<string, MutableService>();

/**
 * All instances, by id and by identity, and the services without instances until they are dropped. docs/adr/0024 explains what
 * floors are for. This class does not know the log; the view applies events to it.
 */
export class CatalogState {
  private readonly byId = new Map<string, InstanceRecord>();
  /** Namespaces with a known service. */
  private readonly byNamespace = new Map<string, MutableNamespace>();
  /** Namespaces with instances. */
  private readonly withInstances = new Map<string, NamespaceEntry>();
  private readonly empty = new EmptyServices();
  /** The floor of unknown namespaces, and the lowest floor of known ones. */
  private floor = 0;
  private observer = UNOBSERVED;

  /** Sets the observer of the records from now on; there is one. */
  observe(observer: RecordObserver): void {
    this.observer = observer;
  }

  get size(): number {
    return this.byId.size;
  }

  /** The namespaces that have instances. */
  get namespaces(): ReadonlyMap<string, NamespaceEntry> {
    return this.withInstances;
  }

  /** The number of known services without instances. */
  get emptyServices(): number {
    return this.empty.size;
  }

  /** The services without instances that changed longest ago, oldest first. */
  oldestEmptyServices(count: number): ServiceTouch[] {
    return this.empty.oldest(count);
  }

  find(id: string): InstanceRecord | undefined {
    return this.byId.get(id);
  }

  findByIdentity({ namespace, service, instanceId }: InstanceIdentity): InstanceRecord | undefined {
    return this.service(namespace, service)?.instances.get(instanceId);
  }

  namespace(namespace: string): NamespaceEntry | undefined {
    return this.byNamespace.get(namespace);
  }

  service(namespace: string, service: string): ServiceEntry | undefined {
    return this.byNamespace.get(namespace)?.services.get(service);
  }

  /** Whether a service has instances, or had some and was not dropped since. */
  knowsService(namespace: string, service: string): boolean {
    return this.ownRevision(namespace, service) !== undefined;
  }

  /** The last revision that touched a service; for an unknown one the floor, or undefined if there is none. */
  serviceRevision(namespace: string, service: string): number | undefined {
    return this.ownRevision(namespace, service) ?? this.floorOf(namespace);
  }

  /** The last revision that touched a namespace; for an unknown one the floor, or undefined if there is none. */
  namespaceRevision(namespace: string): number | undefined {
    return this.namespace(namespace)?.revision ?? this.floorOf(namespace);
  }

  /** Adds an instance, or replaces the one with its id or its identity. */
  put(record: InstanceRecord): void {
    const old = this.byId.get(record.id);
    if (old !== undefined && old !== this.findByIdentity(record)) {
      this.remove(old.id);
      this.touch(old.namespace, old.service, 0);
    }
    const { instances } = this.entry(record.namespace, record.service);
    const namesake = instances.get(record.instanceId);
    const isReplaced = namesake !== undefined && namesake.id !== record.id;
    if (isReplaced) {
      this.byId.delete(namesake.id);
      this.observer.changed(namesake, undefined);
    }
    if (namesake === undefined) this.addToSize(record.namespace, 1);
    instances.set(record.instanceId, record);
    this.byId.set(record.id, record);
    this.observer.changed(isReplaced ? undefined : namesake, record);
  }

  remove(id: string): void {
    const record = this.byId.get(id);
    if (!record) return;
    this.byId.delete(id);
    this.entry(record.namespace, record.service).instances.delete(record.instanceId);
    this.addToSize(record.namespace, -1);
    this.observer.changed(record, undefined);
  }

  /** Records that a revision touched a service. If it has no instances, it is kept among those without. */
  touch(namespace: string, service: string, revision: number): void {
    const own = this.namespaceEntry(namespace);
    own.revision = Math.max(own.revision, revision);
    const entry = own.services.get(service);
    if (entry) entry.revision = Math.max(entry.revision, revision);
    if (entry && entry.instances.size > 0) return;
    own.services.delete(service);
    if (own.services.size === 0) own.services = NO_SERVICES;
    if (this.empty.add({ namespace, service, revision: entry?.revision ?? revision })) own.empty += 1;
  }

  /** Records that a revision touched every service that ever was. */
  touchAll(revision: number): void {
    for (const own of this.byNamespace.values()) {
      own.revision = revision;
      for (const entry of own.services.values()) entry.revision = revision;
      if (own.floor > 0) own.floor = revision;
    }
    this.empty.touchAll(revision);
    if (this.floor > 0) this.floor = revision;
  }

  /**
   * Drops the services without instances up to one of them, in the order of age. The revision of the drop becomes the floor of
   * their namespaces, and that of all unknown namespaces where a namespace has no known service left.
   */
  dropEmptyServices(upTo: ServiceTouch, revision: number): void {
    const affected = new Set<MutableNamespace>();
    for (const { namespace } of this.empty.takeUpTo(upTo)) {
      const own = this.namespaceEntry(namespace);
      own.empty -= 1;
      affected.add(own);
    }
    for (const { namespace, services, empty } of affected) {
      const hasServices = services.size > 0 || empty > 0;
      if (!hasServices) this.byNamespace.delete(namespace);
      this.raiseFloor({ namespace: hasServices ? namespace : EVERY_OTHER_NAMESPACE, revision });
    }
  }

  /** Sets a floor, which is higher than the previous one. */
  raiseFloor({ namespace, revision }: NamespaceFloor): void {
    if (namespace === EVERY_OTHER_NAMESPACE) {
      this.floor = revision;
      return;
    }
    const own = this.namespaceEntry(namespace);
    own.floor = revision;
    own.revision = Math.max(own.revision, revision);
  }

  private ownRevision(namespace: string, service: string): number | undefined {
    return this.service(namespace, service)?.revision ?? this.empty.revisionOf(namespace, service);
  }

  private floorOf(namespace: string): number | undefined {
    return Math.max(this.byNamespace.get(namespace)?.floor ?? 0, this.floor) || undefined;
  }

  private addToSize(namespace: string, by: 1 | -1): void {
    const own = this.namespaceEntry(namespace);
    own.size += by;
    if (own.size > 0) this.withInstances.set(namespace, own);
    else this.withInstances.delete(namespace);
  }

  private namespaceEntry(namespace: string): MutableNamespace {
    const known = this.byNamespace.get(namespace);
    if (known) return known;
    const entry = { namespace, revision: 0, size: 0, services: NO_SERVICES, empty: 0, floor: 0 };
    this.byNamespace.set(namespace, entry);
    return entry;
  }

  private entry(namespace: string, service: string): MutableService {
    const own = this.namespaceEntry(namespace);
    const known = own.services.get(service);
    if (known) return known;
    const revision = this.empty.revisionOf(namespace, service) ?? 0;
    if (this.empty.delete(namespace, service)) own.empty -= 1;
    const entry = { namespace, service, revision, instances: new Map<string, InstanceRecord>() };
    if (own.services === NO_SERVICES) own.services = new Map();
    own.services.set(service, entry);
    return entry;
  }
}
