import { type LogEvent, type LogPosition } from '@coordination/log';
import { StoreUnavailableError } from '@coordination/kernel';
import { type InstanceIdentity, type InstanceRecord } from '../model/instance.js';
import { type CatalogView } from './catalog-view.js';

/** How long (ms) the answer to a write waits for this node's view to have it (api.md, Registry). */
const READABLE_WITHIN_MS = 1_000;

/** How long (ms) a comparison waits for the view to have a revision that the database has. */
const REACHED_WITHIN_MS = 2_000;

/** The catalog in the memory of this node, for those who change it. */
export class LocalCatalog {
  constructor(private readonly view: CatalogView) {}

  /** Applies events that this node has committed; resolves when they are readable here (false: not within 1 s). */
  async announce(events: readonly LogEvent[]): Promise<boolean> {
    const last = events.at(-1);
    if (!last) return true;
    // Where other nodes have committed before these, the view reads all of it from the log instead.
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

  /** The record of an identity as the view has it now, if the view is loaded; a hint only. */
  peek(identity: InstanceIdentity): InstanceRecord | undefined {
    return this.view.findByIdentity(identity);
  }

  /** The record of an id as the view has it now; a hint only. */
  find(id: string): InstanceRecord | undefined {
    return this.view.find(id);
  }

  /** Up to where the view has seen the log; undefined: nothing yet. */
  position(): LogPosition | undefined {
    return this.view.position;
  }

  /** Asks the follower to read the log now, because it is in doubt. */
  look(): void {
    this.view.askForLook();
  }
}
