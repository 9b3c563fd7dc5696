import { type LogEvent, type LogPosition } from '@coordination/log';
import { StoreUnavailableError } from '@coordination/kernel';
import { Injectable } from '@nestjs/common';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';
import { CatalogView } from './catalog-view.js';

/** How long (ms) the response to a write waits until this node's view has it (api.md, Registry). */
const READABLE_WITHIN_MS = 1_000;

/** How long (ms) a comparison waits for the view to reach a revision that the database has. */
const REACHED_WITHIN_MS = 2_000;

/** This node's view of the catalog, for the code that changes the catalog. */
@Injectable()
export class LocalCatalog {
  constructor(private readonly view: CatalogView) {}

  /** Applies events that this node has committed. Resolves when they are readable here (false: not within 1 s). */
  async announce(events: readonly LogEvent[]): Promise<boolean> {
    const last = events.at(-1);
    if (!last) return true;
    // If other nodes have committed events before these, the view reads all of them from the log instead.
    if (this.view.loaded) this.view.apply(events);
    return await this.view.reached(last.revision, READABLE_WITHIN_MS);
  }

  /**
   * The record of an identity at or after a revision; waits up to 2 s for the view to reach it. Undefined when there is no
   * such instance.
   * @throws StoreUnavailableError when the view does not reach the revision in time
   */
  async recordAt(identity: InstanceIdentity, revision: number): Promise<InstanceRecord | undefined> {
    if (!(await this.view.reached(revision, REACHED_WITHIN_MS))) throw new StoreUnavailableError();
    return this.view.findByIdentity(identity);
  }

  /** The record of an identity in the view, which may be behind or not loaded: a hint only. */
  peek(identity: InstanceIdentity): InstanceRecord | undefined {
    return this.view.findByIdentity(identity);
  }

  /** The record of an id in the view: a hint only. */
  find(id: string): InstanceRecord | undefined {
    return this.view.find(id);
  }

  /** The position in the log that the view has reached; undefined before the first load. */
  position(): LogPosition | undefined {
    return this.view.position;
  }

  /** Makes the follower read the log now, because the history is in doubt. */
  requestPoll(): void {
    this.view.requestPoll();
  }
}
