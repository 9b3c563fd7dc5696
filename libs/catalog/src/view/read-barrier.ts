import { contradicts, type LogHead, type ReadIndex } from '@coordination/log';
import {
  type Clock,
  RevisionUnknownError,
  StartingError,
  StoreUnavailableError,
  ViewBehindError,
} from '@coordination/kernel';
import { type CatalogView, type ViewHead } from './catalog-view.js';

/** How long (ms) a read waits for the view to come to where it must be. */
const REACHED_WITHIN_MS = 1_500;

/** What a gate works with. */
export interface GateParts {
  readonly view: CatalogView;
  /** Of the primary: one query for all who ask before it is sent. */
  readonly readIndex: Pick<ReadIndex<LogHead>, 'current'>;
  readonly clock: Clock;
  /** Whether the query proves that no other server has become the primary. */
  readonly isFenced?: boolean;
  /** How long (ms) a read waits for the view. */
  readonly withinMs?: number;
}

/**
 * Lets reads pass when the view is where they need it. They wait for a bounded time, and without a connection; a wait that
 * is aborted ends with the reason of the abort as its error.
 */
export class ReadBarrier {
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
   * Resolves when the view has everything that was acknowledged before this call, on any node. The view is then known to
   * have been current at some moment after the call.
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
      const [before, { generation }, askedAtMs] = [view.position!, view, clock.monotonicMs()];
      const head = await readIndex.current();
      untilMs ??= clock.monotonicMs() + this.withinMs;
      const restMs = untilMs - clock.monotonicMs();
      const isLoadedAnew = () => view.generation !== generation;
      const came =
        isLoadedAnew() ||
        (continues(head, before)
          ? await view.reached(head.revision, restMs, signal)
          : await view.replacedSince(generation, restMs, signal));
      signal?.throwIfAborted();
      if (!came || restMs < 0) throw new ViewBehindError(view.revision, head.revision);
      // Loaded anew meanwhile, the view may be of another history than the head, which is then asked for again.
      if (!isLoadedAnew() && continues(view.position!, head)) return view.confirm(askedAtMs);
    }
  }

  /**
   * Resolves when PostgreSQL may be asked instead of the view, by a read that must be strong. Its answers are of its
   * present; with the fence it has proved to be the primary after this call.
   * @throws StoreUnavailableError when it has not
   */
  async fence(signal?: AbortSignal): Promise<void> {
    this.strongCount += 1;
    if (this.parts.isFenced) await this.parts.readIndex.current();
    signal?.throwIfAborted();
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

/**
 * Whether a place of the log can come after another one: in another epoch, the same number means another catalog, and a
 * head that is behind what was known before is that of a restored backup.
 */
const continues = (later: ViewHead | LogHead, earlier: ViewHead | LogHead): boolean =>
  later.epoch === earlier.epoch && !contradicts(later, earlier);
