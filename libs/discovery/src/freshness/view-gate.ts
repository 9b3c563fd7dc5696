import { contradicts, type ReadIndex } from '@coordination/audit';
import {
  type Clock,
  RevisionUnknownError,
  StartingError,
  StoreUnavailableError,
  ViewBehindError,
} from '@coordination/kernel';
import { type CatalogView } from '../view/catalog-view.js';

/** How long (ms) a read waits for the view to come to where it must be. */
const REACHED_WITHIN_MS = 1_500;

/** What a gate works with. */
export interface GateParts {
  readonly view: CatalogView;
  /** Of the primary: one query for all who ask before it is sent. */
  readonly readIndex: Pick<ReadIndex, 'current'>;
  readonly clock: Clock;
  /** How long (ms) a read waits for the view. */
  readonly withinMs?: number;
}

/**
 * Lets reads pass when the view is where they need it. They wait for a bounded time, and without a connection; a wait that
 * is aborted ends with the reason of the abort as its error.
 */
export class ViewGate {
  private readonly withinMs: number;
  private strongCount = 0;

  constructor(private readonly parts: GateParts) {
    this.withinMs = parts.withinMs ?? REACHED_WITHIN_MS;
  }

  /** How many strong reads there were. */
  get strongReads(): number {
    return this.strongCount;
  }

  /**
   * Resolves when the view has a revision. The primary is only asked when it does not come in time.
   * @throws StartingError before the first load
   * @throws RevisionUnknownError for a revision that the catalog does not know
   * @throws ViewBehindError when the view has not come that far, or the primary cannot say whether there is that much
   */
  async reach(revision: number, signal?: AbortSignal): Promise<void> {
    const { view } = this.parts;
    if (!view.loaded) throw new StartingError();
    if (!(await view.reached(revision, this.withinMs, signal))) await this.assertKnown(revision, signal);
    if (view.revision < revision) throw new ViewBehindError(view.revision, revision);
    const reason = view.unknownBecause(revision);
    if (reason !== undefined) throw new RevisionUnknownError(revision, reason);
  }

  /**
   * Resolves when the view has everything that was acknowledged before this call, on any node.
   * @throws StartingError before the first load
   * @throws StoreUnavailableError when the primary cannot be asked
   * @throws ViewBehindError when the view has not come that far in time
   */
  async strong(signal?: AbortSignal): Promise<void> {
    const { view, readIndex, clock } = this.parts;
    if (!view.loaded) throw new StartingError();
    this.strongCount += 1;
    let untilMs: number | undefined;
    for (;;) {
      const { generation, position: prior } = view;
      const head = await readIndex.current();
      untilMs ??= clock.monotonicMs() + this.withinMs;
      const restMs = untilMs - clock.monotonicMs();
      // In another epoch the same number means another catalog.
      const isSameEpoch = () => view.position?.epoch === head.epoch;
      // A head that is behind what the view had before it was asked for is that of a restored backup.
      const came =
        isSameEpoch() && !contradicts(head, prior)
          ? await view.reached(head.revision, restMs, signal)
          : await view.replacedSince(generation, restMs, signal);
      if (came && isSameEpoch() && view.revision >= head.revision) return;
      signal?.throwIfAborted();
      if (!came) throw new ViewBehindError(view.revision, head.revision);
    }
  }

  /** @throws RevisionUnknownError when the log has not got as far */
  private async assertKnown(revision: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { view, readIndex } = this.parts;
    const head = await readIndex.current().catch((error: unknown) => {
      if (error instanceof StoreUnavailableError) throw new ViewBehindError(view.revision, revision, { cause: error });
      throw error;
    });
    signal?.throwIfAborted();
    if (head.revision < revision) throw new RevisionUnknownError(revision, 'above-head');
  }
}
