import { type AuditEvent, type KnownPlace } from '@coordination/log';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';

/** What the write side needs from whoever keeps the catalog in memory; the read side implements it and attaches itself. */
export interface CatalogMirror {
  /**
   * Takes events that this node has committed; resolves when they are readable here (false: not within the time that the
   * mirror allows, 1 s).
   */
  announce(events: readonly AuditEvent[]): Promise<boolean>;
  /**
   * The record of an identity at or after a revision; waits for the mirror to reach it (bounded), undefined when there is
   * none.
   * @throws StoreUnavailableError when it cannot be told in time
   */
  recordAt(identity: InstanceIdentity, revision: number): Promise<InstanceRecord | undefined>;
  /** The record as the mirror has it now, if it is loaded; a hint only. */
  peek(identity: InstanceIdentity): InstanceRecord | undefined;
  /** The record of an id as the mirror has it now; a hint only. */
  find(id: string): InstanceRecord | undefined;
  /** Up to where the mirror has seen the log; undefined: nothing yet. */
  position(): KnownPlace | undefined;
  /** Asks for a look at the log, because it is in doubt. */
  look(): void;
}

/** Where the read side attaches itself, since the write side does not know it. */
export class CatalogMirrorSlot {
  private mirror: CatalogMirror | undefined;

  get current(): CatalogMirror | undefined {
    return this.mirror;
  }

  attach(mirror: CatalogMirror): void {
    this.mirror = mirror;
  }

  detach(): void {
    this.mirror = undefined;
  }
}
