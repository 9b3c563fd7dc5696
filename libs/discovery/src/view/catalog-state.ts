import { type InstanceIdentity, type InstanceRecord } from '@coordination/registry';

/** One service as the view holds it. It stays, with its revision, when its last instance has gone. */
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
  /** The last revision that touched any of its services. */
  readonly revision: number;
  /** How many instances there are. */
  readonly size: number;
  readonly services: ReadonlyMap<string, ServiceEntry>;
}

interface MutableService extends ServiceEntry {
  revision: number;
  readonly instances: Map<string, InstanceRecord>;
}

interface MutableNamespace extends NamespaceEntry {
  revision: number;
  size: number;
  readonly services: Map<string, MutableService>;
}

/** All instances, by id and by their place in the catalog. It knows nothing of the log, which tells it what to do. */
export class CatalogState {
  private readonly byId = new Map<string, InstanceRecord>();
  private readonly byNamespace = new Map<string, MutableNamespace>();

  get size(): number {
    return this.byId.size;
  }

  get namespaces(): ReadonlyMap<string, NamespaceEntry> {
    return this.byNamespace;
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

  /** Takes an instance as it is now, in place of what had its id or its identity. */
  put(record: InstanceRecord): void {
    const old = this.byId.get(record.id);
    const { instances } = this.entry(record.namespace, record.service);
    const namesake = instances.get(record.instanceId);
    if (old !== undefined && old !== namesake) this.remove(old.id);
    if (namesake !== undefined && namesake.id !== record.id) this.byId.delete(namesake.id);
    if (namesake === undefined) this.namespaceEntry(record.namespace).size += 1;
    instances.set(record.instanceId, record);
    this.byId.set(record.id, record);
  }

  remove(id: string): void {
    const record = this.byId.get(id);
    if (!record) return;
    this.byId.delete(id);
    this.entry(record.namespace, record.service).instances.delete(record.instanceId);
    this.namespaceEntry(record.namespace).size -= 1;
  }

  /** Notes that a revision touched a service. */
  touch(namespace: string, service: string, revision: number): void {
    const entry = this.entry(namespace, service);
    entry.revision = Math.max(entry.revision, revision);
    const around = this.namespaceEntry(namespace);
    around.revision = Math.max(around.revision, revision);
  }

  /** Notes that a revision touched every service that there ever was. */
  touchAll(revision: number): void {
    for (const { namespace, services } of this.byNamespace.values()) {
      for (const service of services.keys()) this.touch(namespace, service, revision);
    }
  }

  private namespaceEntry(namespace: string): MutableNamespace {
    const known = this.byNamespace.get(namespace);
    if (known) return known;
    const entry = { namespace, revision: 0, size: 0, services: new Map<string, MutableService>() };
    this.byNamespace.set(namespace, entry);
    return entry;
  }

  private entry(namespace: string, service: string): MutableService {
    const { services } = this.namespaceEntry(namespace);
    const known = services.get(service);
    if (known) return known;
    const entry = { namespace, service, revision: 0, instances: new Map<string, InstanceRecord>() };
    services.set(service, entry);
    return entry;
  }
}
