import { type AuditEvent, type KnownPlace } from '@coordination/log';
import { StoreUnavailableError } from '@coordination/kernel';
import { type CatalogMirror } from './catalog-mirror.js';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';
import { type CatalogView } from './catalog-view.js';

/** How long (ms) the answer to a write waits for this node's view to have it (api.md, Registry). */
const READABLE_WITHIN_MS = 1_000;

/** How long (ms) a comparison waits for the view to have a revision that the database has. */
const REACHED_WITHIN_MS = 2_000;

/** This node's view, as the write side knows it. */
export class LocalMirror implements CatalogMirror {
  constructor(private readonly view: CatalogView) {}

  async announce(events: readonly AuditEvent[]): Promise<boolean> {
    const last = events.at(-1);
    if (!last) return true;
    // Where other nodes have committed before these, the view reads all of it from the log instead.
    if (this.view.loaded) this.view.apply(events);
    return await this.view.reached(last.revision, READABLE_WITHIN_MS);
  }

  async recordAt(identity: InstanceIdentity, revision: number): Promise<InstanceRecord | undefined> {
    if (!(await this.view.reached(revision, REACHED_WITHIN_MS))) throw new StoreUnavailableError();
    return this.view.findByIdentity(identity);
  }

  peek(identity: InstanceIdentity): InstanceRecord | undefined {
    return this.view.findByIdentity(identity);
  }

  find(id: string): InstanceRecord | undefined {
    return this.view.find(id);
  }

  position(): KnownPlace | undefined {
    return this.view.position;
  }

  look(): void {
    this.view.askForLook();
  }
}
