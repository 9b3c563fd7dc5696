import { EVERY_OTHER_NAMESPACE, type NamespaceFloor } from '../tables/namespace-floor.entity.js';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';
import { type ServiceTouch } from '../model/service-touch.js';
import { EmptyServices } from './empty-services.js';

/** One service that has instances, as the view holds it. */
export interface ServiceEntry {
  readonly namespace: string;
  readonly service: string;
  /** The last revision that touched the service. */
  readonly revision: number;
  /** By instanceId. */
  readonly instances: ReadonlyMap<string, InstanceRecord>;
}

/** One namespace as the view holds it. */
export interface NamespaceEntry {
  readonly namespace: string;
  /** The last revision that touched any of its services, or dropped some of them. */
  readonly revision: number;
  /** How many instances there are. */
  readonly size: number;
  /** Those that have instances. */
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
  /** How many of its services are known that have no instances. */
  empty: number;
  /** The revision of all of its services that are not known; 0: none of them was ever dropped. */
  floor: number;
}

/** That of all namespaces without instances, of which there may be very many. Nothing is ever put into it. */
const NO_SERVICES = new Map<string, MutableService>();

/**
 * All instances, by id and by their place in the catalog, and the services that have none any more, until they are dropped.
 * What a floor is, and why there are floors, is told in docs/adr/0024. It knows nothing of the log, which tells it what to do.
 */
export class CatalogState {
  private readonly byId = new Map<string, InstanceRecord>();
  /** Those that have a known service. */
  private readonly byNamespace = new Map<string, MutableNamespace>();
  /** Those of them that have instances. */
  private readonly inhabited = new Map<string, NamespaceEntry>();
  private readonly empty = new EmptyServices();
  /** The revision of every service of a namespace that is not known, and the least floor of one that is. */
  private floor = 0;

  get size(): number {
    return this.byId.size;
  }

  /** The namespaces that have instances. */
  get namespaces(): ReadonlyMap<string, NamespaceEntry> {
    return this.inhabited;
  }

  /** How many services without instances are known. */
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

  /** The last revision that touched a service; of one that is not known, the floor, and undefined if there is none. */
  serviceRevision(namespace: string, service: string): number | undefined {
    return this.ownRevision(namespace, service) ?? this.floorOf(namespace);
  }

  /** The last revision that touched a namespace; of one that is not known, the floor, and undefined if there is none. */
  namespaceRevision(namespace: string): number | undefined {
    return this.namespace(namespace)?.revision ?? this.floorOf(namespace);
  }

  /** Takes an instance as it is now, in place of what had its id or its identity. */
  put(record: InstanceRecord): void {
    const old = this.byId.get(record.id);
    if (old !== undefined && old !== this.findByIdentity(record)) {
      this.remove(old.id);
      this.touch(old.namespace, old.service, 0);
    }
    const { instances } = this.entry(record.namespace, record.service);
    const namesake = instances.get(record.instanceId);
    if (namesake !== undefined && namesake.id !== record.id) this.byId.delete(namesake.id);
    if (namesake === undefined) this.grow(record.namespace, 1);
    instances.set(record.instanceId, record);
    this.byId.set(record.id, record);
  }

  remove(id: string): void {
    const record = this.byId.get(id);
    if (!record) return;
    this.byId.delete(id);
    this.entry(record.namespace, record.service).instances.delete(record.instanceId);
    this.grow(record.namespace, -1);
  }

  /** Notes that a revision touched a service. One that has no instances then is kept among those. */
  touch(namespace: string, service: string, revision: number): void {
    const around = this.namespaceEntry(namespace);
    around.revision = Math.max(around.revision, revision);
    const entry = around.services.get(service);
    if (entry) entry.revision = Math.max(entry.revision, revision);
    if (entry && entry.instances.size > 0) return;
    around.services.delete(service);
    if (around.services.size === 0) around.services = NO_SERVICES;
    if (this.empty.add({ namespace, service, revision: entry?.revision ?? revision })) around.empty += 1;
  }

  /** Notes that a revision touched every service that there ever was. */
  touchAll(revision: number): void {
    for (const around of this.byNamespace.values()) {
      around.revision = revision;
      for (const entry of around.services.values()) entry.revision = revision;
      if (around.floor > 0) around.floor = revision;
    }
    this.empty.touchAll(revision);
    if (this.floor > 0) this.floor = revision;
  }

  /**
   * Drops the services without instances that changed no later than one of them. From this revision on it stands for them:
   * it becomes the floor of their namespaces, and that of all others where a namespace has no known service left.
   */
  dropEmptyServices(upTo: ServiceTouch, revision: number): void {
    const concerned = new Set<MutableNamespace>();
    for (const { namespace } of this.empty.takeUpTo(upTo)) {
      const around = this.namespaceEntry(namespace);
      around.empty -= 1;
      concerned.add(around);
    }
    for (const { namespace, services, empty } of concerned) {
      const isLeft = services.size > 0 || empty > 0;
      if (!isLeft) this.byNamespace.delete(namespace);
      this.raiseFloor({ namespace: isLeft ? namespace : EVERY_OTHER_NAMESPACE, revision });
    }
  }

  /** Takes a floor, which is higher than the one before. */
  raiseFloor({ namespace, revision }: NamespaceFloor): void {
    if (namespace === EVERY_OTHER_NAMESPACE) {
      this.floor = revision;
      return;
    }
    const around = this.namespaceEntry(namespace);
    around.floor = revision;
    around.revision = Math.max(around.revision, revision);
  }

  private ownRevision(namespace: string, service: string): number | undefined {
    return this.service(namespace, service)?.revision ?? this.empty.revisionOf(namespace, service);
  }

  private floorOf(namespace: string): number | undefined {
    return Math.max(this.byNamespace.get(namespace)?.floor ?? 0, this.floor) || undefined;
  }

  private grow(namespace: string, by: 1 | -1): void {
    const around = this.namespaceEntry(namespace);
    around.size += by;
    if (around.size > 0) this.inhabited.set(namespace, around);
    else this.inhabited.delete(namespace);
  }

  private namespaceEntry(namespace: string): MutableNamespace {
    const known = this.byNamespace.get(namespace);
    if (known) return known;
    const entry = { namespace, revision: 0, size: 0, services: NO_SERVICES, empty: 0, floor: 0 };
    this.byNamespace.set(namespace, entry);
    return entry;
  }

  private entry(namespace: string, service: string): MutableService {
    const around = this.namespaceEntry(namespace);
    const known = around.services.get(service);
    if (known) return known;
    const revision = this.empty.revisionOf(namespace, service) ?? 0;
    if (this.empty.delete(namespace, service)) around.empty -= 1;
    const entry = { namespace, service, revision, instances: new Map<string, InstanceRecord>() };
    if (around.services === NO_SERVICES) around.services = new Map();
    around.services.set(service, entry);
    return entry;
  }
}
